from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.whatsapp.phrases import PHRASES
from services.whatsapp.texts import text_of
from shared.errors import PermanentError
from shared.messages.whatsapp import Language, MessageType, VendorNotification
from tests.unit.services.whatsapp.builders import RICE, a_message

LIMITS = (1600, 4096)


def text(message_type: str, language: Language = Language.ENGLISH, *, limit: int = 1600, **changes: Any) -> str:
    return text_of(a_message(message_type, **changes).data, language, limit=limit)


def test_an_order_confirmation_lists_items_and_total() -> None:
    assert text("ORDER_CONFIRMATION") == (
        "✅ Your order ORD2611000001 is confirmed.\n\n"
        "Items:\n• Basmati rice 25 kg: 10 × Rs. 1,450.00\n\n"
        "Total: Rs. 14,500.00\n\n"
        "We will let you know when it is on its way. Thank you!"
    )


def test_an_order_confirmation_in_nepali_keeps_numbers_that_can_be_copied() -> None:
    assert text("ORDER_CONFIRMATION", Language.NEPALI) == (
        "✅ तपाईंको अर्डर ORD2611000001 पक्का भयो।\n\n"
        "सामानहरू:\n• Basmati rice 25 kg: 10 × Rs. 1,450.00\n\n"
        "जम्मा रकम: Rs. 14,500.00\n\n"
        "सामान पठाएपछि हामी तपाईंलाई खबर गर्नेछौं। धन्यवाद!"
    )


@pytest.mark.parametrize("language", list(Language))
def test_a_vendor_notification_says_how_to_accept_and_to_decline(language: Language) -> None:
    lines = text("VENDOR_NOTIFICATION", language).splitlines()

    assert any("Shrestha Kirana" in line for line in lines)
    assert any(line.endswith(": ACCEPT ORD2611000001") for line in lines)
    assert any(line.endswith(": DECLINE ORD2611000001") for line in lines)


def test_a_delivery_update_tells_state_date_and_notes() -> None:
    assert text("DELIVERY_UPDATE") == (
        "🚚 Your order ORD2611000001 is on its way.\nExpected delivery: 1 Dec 2026\nNote: Out for delivery"
    )


def test_a_delivery_update_without_date_and_notes_is_one_line() -> None:
    update = text("DELIVERY_UPDATE", status="ACCEPTED", notes=None, expectedDelivery=None)

    assert update == "ℹ️ Your order ORD2611000001 is now accepted by the vendor."


@pytest.mark.parametrize(
    ("reminder", "begins", "says"),
    [
        ("DUE_SOON", "🔔 Dear Shrestha Kirana", "will be due soon"),
        ("OVERDUE", "⚠️ Dear Shrestha Kirana", "is overdue"),
        ("FINAL_NOTICE", "❗ Final notice. Dear Shrestha Kirana", "still unpaid"),
    ],
)
def test_each_kind_of_reminder_has_its_own_words(reminder: str, begins: str, says: str) -> None:
    reminded = text("PAYMENT_REMINDER", reminderType=reminder)

    assert reminded.startswith(begins)
    assert says in reminded
    assert "• ORD2611000001: Rs. 1,500.00, due 20 Nov 2026" in reminded
    assert "Pay here: https://pay.example/x\n" in reminded


def test_a_reminder_without_a_link_says_nothing_of_one() -> None:
    assert "Pay here" not in text("PAYMENT_REMINDER", paymentLink=None)


def test_a_balance_shows_limit_debt_available_and_next_due_date() -> None:
    assert text("BALANCE_INQUIRY_RESPONSE") == (
        "💳 Your credit account\nCredit limit: Rs. 1,00,000.00\nTo be paid: Rs. 45,000.00\n"
        "Available credit: Rs. 55,000.00\nNext payment due: 1 Dec 2026"
    )


def test_a_debt_below_zero_is_money_in_the_retailers_favour() -> None:
    balance = text("BALANCE_INQUIRY_RESPONSE", outstandingDebt="-500.00", nextDue=None)

    assert "To be paid: Rs. 0.00" in balance
    assert balance.endswith("In your favour: Rs. 500.00")


def test_free_text_is_sent_as_it_stands() -> None:
    assert text("GENERIC_MESSAGE", message="Namaste\nशुभ दिन") == "Namaste\nशुभ दिन"


def test_free_text_over_the_providers_limit_fails_instead_of_losing_its_end() -> None:
    with pytest.raises(PermanentError, match="1601 characters, the provider takes 1600"):
        text("GENERIC_MESSAGE", message="x" * 1601)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("kind", ["ORDER_CONFIRMATION", "VENDOR_NOTIFICATION"])
def test_a_long_order_is_cut_between_items_and_keeps_its_total_and_instructions(
    kind: str, language: Language, limit: int
) -> None:
    items = [RICE | {"productName": f"Item {number} " + "x" * 190} for number in range(200)]

    long = text(kind, language, limit=limit, items=items)

    shown = long.count("• ")
    assert len(long) <= limit
    assert 5 <= shown < 200
    assert PHRASES[language].more_items.format(count=200 - shown) in long
    assert "Rs. 14,500.00" in long
    assert long.endswith(text(kind, language).splitlines()[-1])


@pytest.mark.parametrize("language", list(Language))
def test_a_long_reminder_is_cut_between_orders_and_keeps_its_link(language: Language) -> None:
    orders = [
        {"orderNumber": f"ORD26110{number:05d}", "dueAmount": "1500.00", "dueDate": "2026-11-20"}
        for number in range(200)
    ]

    long = text("PAYMENT_REMINDER", language, orders=orders)

    assert len(long) <= 1600
    assert PHRASES[language].more_orders.format(count=200 - long.count("• ")) in long
    assert "https://pay.example/x" in long


@pytest.mark.parametrize("kind", [kind for kind in MessageType if kind is not MessageType.GENERIC_MESSAGE])
def test_every_nepali_text_is_nepali(kind: MessageType) -> None:
    nepali = text(kind, Language.NEPALI)

    devanagari = sum("\u0900" <= character <= "\u097f" for character in nepali)
    assert devanagari > 25
    assert nepali != text(kind)


def test_a_name_with_line_breaks_stays_on_its_line() -> None:
    # The contract refuses such a name; a text must not depend on that.
    order = VendorNotification(order_number="ORD1", retailer_name="Evil\nACCEPT ORD1", total=Decimal(1), items=())

    assert "from Evil ACCEPT ORD1." in text_of(order, Language.ENGLISH, limit=1600)
