"""What vendors and shops write, through the providers' webhooks: answers to offers, and BALANCE."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.business import OfferState
from shared.database import send_records
from shared.queues import Queue
from tests.doubles.whatsapp_webhooks import meta_button, meta_interactive, meta_text, twilio_text
from tests.integration.whatsapp.hooks import Hooks
from tests.integration.whatsapp.market import SHOP_PHONE, STRANGER, VENDOR_PHONE, Market

pytestmark = pytest.mark.slow

VENDOR = VENDOR_PHONE.removeprefix("+")
ONE, TWO = "ORD2611000001", "ORD2611000002"


def test_a_vendor_accepts_an_offer_once_however_often_the_webhook_comes(market: Market) -> None:
    market.vendor()
    market.offer(ONE)

    for _ in range(3):
        market.write(f"accept #{ONE.lower()}!", provider_id="wamid.same")

    assert market.jobs() == [{"orderId": ONE, "vendorId": "VEN001", "response": "ACCEPT"}]
    assert market.hooks.store.queue_stats(Queue.ORDER_ROUTING).waiting == 1


def test_a_vendor_declines_with_a_reason(market: Market) -> None:
    market.vendor()
    market.offer(ONE)
    market.offer(TWO)

    market.write(f"DECLINE {TWO} out of stock\nuntil Friday")

    reason = "out of stock\nuntil Friday"
    assert market.jobs() == [{"orderId": TWO, "vendorId": "VEN001", "response": "DECLINE", "reason": reason}]


def test_without_a_number_the_only_open_offer_is_answered(market: Market) -> None:
    market.vendor()
    market.offer(ONE, state=OfferState.EXPIRED)
    market.offer(TWO)

    market.write("Accept")

    assert market.answers() == [(TWO, "VEN001", "ACCEPT")]


def test_without_a_number_several_open_offers_are_asked_back(market: Market) -> None:
    market.vendor()
    market.offer(ONE)
    market.offer(TWO)

    market.write("ACCEPT")

    assert market.answers() == []
    [reply] = market.replies()
    assert reply.splitlines()[0] == "Which order do you mean?"
    assert reply.splitlines()[-4:] == [f"ACCEPT {ONE}", f"DECLINE {ONE}", f"ACCEPT {TWO}", f"DECLINE {TWO}"]


@pytest.mark.parametrize("state", [OfferState.REJECTED, OfferState.EXPIRED, OfferState.ACCEPTED])
def test_an_offer_that_is_closed_is_not_answered_again(meta_market: Market, state: OfferState) -> None:
    meta_market.vendor()
    answered_at = None if state is OfferState.EXPIRED else datetime.now(UTC)
    meta_market.offer(ONE, state=state, answered_at=answered_at)

    meta_market.write(f"ACCEPT {ONE}")
    meta_market.write("ACCEPT")

    assert meta_market.answers() == []
    assert [reply.split(" ")[:2] for reply in meta_market.replies()] == [["No", "order"], ["No", "order"]]


def test_another_vendors_order_and_an_unknown_one_are_not_answered(market: Market) -> None:
    market.vendor("VEN001")
    market.vendor("VEN002", "+9779866666666")
    market.offer(ONE, "VEN002")

    market.write(f"ACCEPT {ONE}")
    market.write("DECLINE ORD2611999999")

    assert market.answers() == []
    assert market.replies() == ["No order with this number is waiting for your answer."] * 2


def test_a_phone_of_several_vendors_answers_for_the_one_that_has_the_offer(market: Market) -> None:
    market.vendor("VEN001")
    market.vendor("VEN002")
    market.offer(ONE, "VEN001")
    market.offer(TWO, "VEN002")

    market.write(f"ACCEPT {TWO}\nDECLINE {ONE} no rice")

    assert market.answers() == [(TWO, "VEN002", "ACCEPT"), (ONE, "VEN001", "DECLINE")]


def test_our_own_text_sent_back_answers_nothing(market: Market) -> None:
    market.vendor()
    market.offer(ONE)

    market.write(f"Please reply with one of these lines.\nTo accept: ACCEPT {ONE}\nTo decline: DECLINE {ONE}")

    assert market.answers() == []
    assert [reply.splitlines()[0] for reply in market.replies()] == ["We are not sure what you mean."]


def test_an_answer_names_any_number_that_the_platform_gives(market: Market) -> None:
    market.vendor()
    market.offer("Order 77/A-b ४")
    market.offer("Order 77")

    market.write("accept ORDER  77/a-B ४, thanks")

    assert market.answers() == [("Order 77/A-b ४", "VEN001", "ACCEPT")]


def test_a_late_message_without_a_number_does_not_mean_an_offer_made_after_it(meta_market: Market) -> None:
    meta_market.vendor()
    meta_market.offer(ONE, offered_at=datetime.now(UTC) - timedelta(minutes=10))
    hour_ago = time.time() - 3600

    meta_market.hooks.meta(messages=[meta_text("wamid.late", "ACCEPT", sender=VENDOR, at=hour_ago)])

    assert meta_market.answers() == []
    assert len(meta_market.replies()) == 1


@pytest.mark.parametrize(("number", "answered"), [(ONE, [(ONE, "VEN001", "ACCEPT")]), ("ORD0", [])])
def test_an_answer_that_quotes_our_message_means_its_order(market: Market, number: str, answered: list[object]) -> None:
    market.vendor()
    market.offer(ONE)
    market.offer(TWO)
    with market.hooks.database.session() as tx:
        sent = send_records.Outgoing(
            "whatsapp-9", VENDOR_PHONE, market.provider, "VENDOR_NOTIFICATION", f"Order {number}"
        )
        send_records.record_sent(tx, send_records.begin(tx, sent)[0], "their-9")

    if market.provider == "meta":
        market.hooks.meta(messages=[meta_text("wamid.1", "ACCEPT", sender=VENDOR) | {"context": {"id": "their-9"}}])
    else:
        market.hooks.twilio(
            twilio_text("SM1", "ACCEPT", sender=VENDOR_PHONE) | {"OriginalRepliedMessageSid": "their-9"}
        )

    assert market.answers() == answered
    assert len(market.replies()) == (0 if answered else 1)


def test_a_quoted_message_that_offers_nothing_says_nothing(meta_market: Market) -> None:
    meta_market.vendor()
    meta_market.offer(ONE)
    with meta_market.hooks.database.session() as tx:
        sent = send_records.Outgoing("whatsapp-9", VENDOR_PHONE, "meta", "GENERIC_MESSAGE", "Namaste")
        send_records.record_sent(tx, send_records.begin(tx, sent)[0], "their-9")

    for number, quoted in enumerate(("their-9", "unknown")):
        context = {"context": {"id": quoted}}
        meta_market.hooks.meta(messages=[meta_text(f"wamid.{number}", "ACCEPT", sender=VENDOR) | context])

    assert meta_market.answers() == [(ONE, "VEN001", "ACCEPT")] * 2


def test_buttons_answer_with_their_payload_or_their_title(hooks: Hooks) -> None:
    market = Market(hooks)
    market.vendor()
    for number in (ONE, TWO, "ORD3", "ORD4"):
        market.offer(number)

    hooks.meta(
        messages=[
            meta_button("wamid.1", "Accept", f"ACCEPT {ONE}", sender=VENDOR),
            meta_button("wamid.2", f"DECLINE {TWO}", sender=VENDOR),
            meta_interactive("wamid.3", "Accept", "ACCEPT ORD3", sender=VENDOR),
        ]
    )
    hooks.twilio(twilio_text("SM1", "Accept", sender=VENDOR_PHONE) | {"ButtonPayload": "DECLINE ORD4"})

    assert sorted(market.answers()) == [
        (ONE, "VEN001", "ACCEPT"),
        (TWO, "VEN001", "DECLINE"),
        ("ORD3", "VEN001", "ACCEPT"),
        ("ORD4", "VEN001", "DECLINE"),
    ]


def test_every_command_of_a_batch_is_obeyed_and_ordinary_talk_is_not(hooks: Hooks) -> None:
    market = Market(hooks)
    market.vendor()
    market.shop()
    market.offer(ONE)
    batch = [
        meta_text("wamid.1", "Namaste, when is the next order?", sender=VENDOR),
        meta_text("wamid.2", f"ACCEPT {ONE}", sender=VENDOR),
        meta_text("wamid.3", "balance", sender=SHOP_PHONE.removeprefix("+")),
        meta_text("wamid.4", "STOP", sender=STRANGER.removeprefix("+")),
        meta_text("wamid.5", "Balance sheet attached", sender=SHOP_PHONE.removeprefix("+")),
        meta_text("wamid.6", "Accept my apologies", sender=STRANGER.removeprefix("+")),
    ]

    for _ in range(2):
        assert hooks.meta(messages=batch).get_json()["messages"] == 6

    assert market.answers() == [(ONE, "VEN001", "ACCEPT")]
    assert len(market.balances()) == 1
    assert market.opted_out(STRANGER) is True
    assert market.replies() == []


def test_a_shop_asks_for_its_balance(market: Market) -> None:
    market.shop(credit_limit_paisa=1_000_00, debt_paisa=250_50, language="ne")
    market.debt("ORD1", date(2026, 12, 9))
    market.debt("ORD2", date(2026, 12, 8))
    market.debt("ORD3", date(2026, 12, 1), paid_paisa=113_00, payment_status="PAID")

    market.write("Balance?", SHOP_PHONE)

    [job] = market.jobs()
    assert (job["type"], job["recipient"], job["language"]) == ("BALANCE_INQUIRY_RESPONSE", SHOP_PHONE, "ne")
    assert job["data"] == {
        "creditLimit": 1000,
        "outstandingDebt": 250.5,
        "availableCredit": 749.5,
        "nextDue": "2026-12-08",
    }


@pytest.mark.parametrize(("debt_paisa", "available"), [(-100_00, 1100), (1_200_00, 0), (0, 1000)])
def test_a_credit_adds_to_what_is_available_which_is_never_below_zero(
    meta_market: Market, debt_paisa: int, available: int
) -> None:
    meta_market.shop(credit_limit_paisa=1_000_00, debt_paisa=debt_paisa)

    meta_market.write("BALANCE", SHOP_PHONE)

    [balance] = meta_market.balances()
    assert (balance["availableCredit"], balance["outstandingDebt"]) == (available, debt_paisa / 100)
    assert "nextDue" not in balance


def test_a_phone_of_several_shops_says_which(market: Market) -> None:
    market.shop("RET001", credit_limit_paisa=1_00)
    market.shop("RET002", credit_limit_paisa=2_00)

    market.write("BALANCE", SHOP_PHONE)
    market.write("BALANCE ret002", SHOP_PHONE)
    market.write("BALANCE RET009", SHOP_PHONE)

    assert [balance["creditLimit"] for balance in market.balances()] == [2]
    assert [reply.splitlines()[-2:] for reply in market.replies()] == [["BALANCE RET001", "BALANCE RET002"]] * 2


def test_many_balances_at_once_are_one_answer(meta_market: Market) -> None:
    meta_market.shop()

    for _ in range(3):
        meta_market.write("BALANCE", SHOP_PHONE)

    assert meta_market.hooks.store.queue_stats(Queue.WHATSAPP).waiting == 1
