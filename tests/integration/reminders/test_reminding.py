"""One reminder: what it says, what is refused, what is skipped, and that it waits for the morning."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.business import OrderState
from shared.errors import Refused, Released
from shared.messages.orders import CancelledBy
from shared.messages.reminders import ReminderType
from tests.integration.reminders.debts import NOON, TODAY, Debts, at

DUE_SOON, OVERDUE, FINAL_NOTICE = ReminderType.DUE_SOON, ReminderType.OVERDUE, ReminderType.FINAL_NOTICE
TOMORROW = TODAY + timedelta(days=1)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def test_all_orders_that_match_stand_in_one_message(debts: Debts) -> None:
    debts.order("A", late=1, paid_paisa=40_050, payment_status="PARTIAL")
    debts.order("B", late=20)
    debts.order("SOON", late=0)
    debts.order("PAID", late=9, paid_paisa=100_000, payment_status="PAID")

    result = debts.remind(OVERDUE, job_id="reminders-x")

    assert result == {
        "success": True,
        "retailerId": "RET001",
        "type": "OVERDUE",
        "businessDay": "2026-11-24",
        "skipped": False,
        "reason": None,
        "orders": 2,
        "totalDue": 1599.5,
        "messageJobId": "whatsapp-reminders-x-message",
    }
    (message,) = debts.messages()
    assert message["type"] == "PAYMENT_REMINDER"
    assert message["language"] == "ne"
    assert message["data"] == {
        "reminderType": "OVERDUE",
        "shopName": "RET001 Pasal",
        "totalOverdue": 1599.5,
        "orders": [
            {"orderNumber": "B", "dueAmount": 1000, "dueDate": "2026-11-04"},
            {"orderNumber": "A", "dueAmount": 599.5, "dueDate": "2026-11-23"},
        ],
        "paymentLink": "https://pay.example/RET001",
    }
    (reminder,) = debts.reminders()
    assert (reminder.type, reminder.business_day, reminder.orders) == (OVERDUE, TODAY, ["B", "A"])
    assert (reminder.job_id, reminder.sent_at) == ("reminders-x", NOON)


def test_a_reminder_with_an_order_names_that_order_only(debts: Debts) -> None:
    debts.order("A", late=1)
    debts.order("B", late=2)

    assert debts.remind(OVERDUE, "A")["orders"] == 1
    assert [each["orderNumber"] for each in debts.messages()[0]["data"]["orders"]] == ["A"]


@pytest.mark.parametrize(
    ("late", "changes", "reason"),
    [
        (0, {}, "it is no OVERDUE, which applies from the day after the due date on"),
        (5, {"paid_paisa": 100_000, "payment_status": "PAID"}, "order A is paid"),
        (5, {"state": OrderState.CONFIRMED}, "is CONFIRMED and has no due date yet"),
        (5, {"state": OrderState.CANCELLED, "cancelled_by": CancelledBy.RETAILER}, "order A is cancelled"),
    ],
)
def test_an_order_that_the_type_does_not_apply_to_is_refused(
    debts: Debts, late: int, changes: dict[str, Any], reason: str
) -> None:
    debts.order("A", late, **changes)

    with pytest.raises(Refused, match=reason):
        debts.remind(OVERDUE, "A")
    assert (debts.reminders(), debts.messages()) == ([], [])


def test_an_unknown_retailer_an_unknown_order_and_another_retailers_order_are_refused(debts: Debts) -> None:
    debts.retailer("RET002")
    debts.order("A", late=1, retailer="RET002")

    with pytest.raises(Refused, match="no retailer has the code 'RET404'"):
        debts.remind(OVERDUE, retailer="RET404")
    with pytest.raises(Refused, match="there is no order ORD404"):
        debts.remind(OVERDUE, "ORD404")
    with pytest.raises(Refused, match="order A is not an order of retailer RET001"):
        debts.remind(OVERDUE, "A")


def test_a_retailer_without_matching_orders_gets_no_message(debts: Debts) -> None:
    debts.order("A", late=0)

    result = debts.remind(OVERDUE)

    assert (result["skipped"], result["reason"]) == (
        True,
        "RET001 has no order that OVERDUE applies to on 2026-11-24",
    )
    assert (debts.reminders(), debts.messages()) == ([], [])


@pytest.mark.parametrize("order", [None, "B"])
def test_a_second_reminder_of_a_type_on_a_day_is_skipped(debts: Debts, order: str | None) -> None:
    debts.order("A", late=1)
    debts.order("B", late=2)
    debts.remind(OVERDUE, "A")

    result = debts.remind(OVERDUE, order, now=at("19:59:59.999"))

    assert (result["skipped"], result["messageJobId"]) == (True, None)
    assert result["reason"] == "RET001 has had a reminder of type OVERDUE on 2026-11-24"
    assert len(debts.messages()) == len(debts.reminders()) == 1


def test_another_type_another_day_and_another_retailer_are_not_the_second(debts: Debts) -> None:
    debts.order("A", late=15)
    debts.retailer("RET002")
    debts.order("B", late=15, retailer="RET002")

    sent = [
        debts.remind(OVERDUE),
        debts.remind(FINAL_NOTICE),
        debts.remind(OVERDUE, retailer="RET002"),
        debts.remind(OVERDUE, now=at("08:00", TOMORROW)),
    ]

    assert [each["skipped"] for each in sent] == [False] * 4
    assert len(debts.messages()) == 4


def test_of_many_at_once_one_is_sent(debts: Debts) -> None:
    debts.order("A", late=1)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: debts.remind(OVERDUE), range(8)))

    assert sorted(each["skipped"] for each in results) == [False] + [True] * 7
    assert len(debts.messages()) == len(debts.reminders()) == 1


def test_a_redelivered_job_returns_what_it_did(debts: Debts) -> None:
    debts.order("A", late=1)

    first = debts.remind(OVERDUE, job_id="reminders-x")

    assert debts.remind(OVERDUE, job_id="reminders-x") == first
    assert len(debts.messages()) == 1


@pytest.mark.parametrize(("opted_out", "skipped"), [(True, True), (False, False)])
def test_a_retailer_that_opted_out_gets_none(debts: Debts, *, opted_out: bool, skipped: bool) -> None:
    debts.retailer("RET002", opted_out=opted_out)
    debts.order("A", late=1, retailer="RET002")

    result = debts.remind(OVERDUE, retailer="RET002")

    assert result["skipped"] is skipped
    assert not skipped or result["reason"] == "RET002 has opted out of reminders (STOP)"
    assert len(debts.messages()) == len(debts.reminders()) == (0 if skipped else 1)


@pytest.mark.parametrize("clock", ["08:00:00", "19:59:59.999"])
def test_by_day_it_is_sent(debts: Debts, clock: str) -> None:
    debts.order("A", late=1)

    assert debts.remind(OVERDUE, now=at(clock))["skipped"] is False


@pytest.mark.parametrize(
    ("clock", "wait_ms"), [("20:00:00", 12 * HOUR_MS), ("00:00:00", 8 * HOUR_MS), ("07:59:00", 60_000)]
)
def test_in_quiet_hours_it_waits_for_the_morning_and_leaves_no_trace(debts: Debts, clock: str, wait_ms: int) -> None:
    debts.order("A", late=1)

    with pytest.raises(Released, match="08:00 to 20:00") as released:
        debts.remind(OVERDUE, now=at(clock), job_id="reminders-x")

    assert released.value.delay_ms == wait_ms
    assert released.value.max_total_ms == 7 * DAY_MS
    assert (debts.reminders(), debts.messages()) == ([], [])
    morning = at(clock) + timedelta(milliseconds=wait_ms)
    assert debts.remind(OVERDUE, now=morning, job_id="reminders-x")["skipped"] is False


@pytest.mark.parametrize("clock", ["21:00", "07:00"])
def test_what_is_refused_is_refused_at_night_too(debts: Debts, clock: str) -> None:
    debts.order("PAID", late=1, paid_paisa=100_000, payment_status="PAID")

    for order in ("ORD404", "PAID"):
        with pytest.raises(Refused):
            debts.remind(OVERDUE, order, now=at(clock))


def test_at_night_the_day_of_sending_decides_which_type_applies(debts: Debts) -> None:
    debts.order("A", late=14)

    with pytest.raises(Released):
        debts.remind(FINAL_NOTICE, "A", now=at("21:00"))
    with pytest.raises(Refused, match="on 2026-11-24 it is no FINAL_NOTICE"):
        debts.remind(FINAL_NOTICE, "A", now=at("07:00"))


def test_what_was_paid_over_night_is_refused_in_the_morning(debts: Debts) -> None:
    debts.order("A", late=1)
    with pytest.raises(Released):
        debts.remind(OVERDUE, "A", now=at("21:00"))

    debts.pay("A")

    with pytest.raises(Refused, match="order A is paid"):
        debts.remind(OVERDUE, "A", now=at("08:00", TOMORROW))


def test_the_day_of_sending_counts_not_the_day_of_asking(debts: Debts) -> None:
    debts.order("A", late=1)
    debts.remind(OVERDUE)
    with pytest.raises(Released):
        debts.remind(OVERDUE, now=at("23:59:59"), job_id="reminders-late")

    assert debts.remind(OVERDUE, now=at("08:00", TOMORROW), job_id="reminders-late")["skipped"] is False
    assert debts.remind(OVERDUE, now=at("09:00", TOMORROW))["skipped"] is True
    assert [each.business_day for each in debts.reminders()] == [date(2026, 11, 24), date(2026, 11, 25)]


def test_the_message_names_at_most_200_orders_and_the_total_of_all(debts: Debts) -> None:
    for number in range(201):
        debts.order(f"ORD{number:03}", late=300 - number)

    result = debts.remind(OVERDUE)

    content = debts.messages()[0]["data"]
    assert [each["orderNumber"] for each in content["orders"]] == [f"ORD{number:03}" for number in range(200)]
    assert Decimal(content["totalOverdue"]) == 201_000
    assert result["orders"] == 201
    assert len(debts.reminders()[0].orders) == 201


def test_the_retailers_language_is_the_messages(debts: Debts) -> None:
    debts.retailer("RET002", language="en")
    debts.order("A", late=1, retailer="RET002")

    debts.remind(OVERDUE, retailer="RET002")

    assert debts.messages()[0]["language"] == "en"


def test_an_inactive_retailer_still_owes(debts: Debts) -> None:
    debts.retailer("RET002", active=False)
    debts.order("A", late=-7, retailer="RET002")

    assert debts.remind(DUE_SOON, retailer="RET002")["skipped"] is False
