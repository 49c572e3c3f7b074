"""The daily sweep: who is reminded of what on which day, once, and in one job each."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from gateway.housekeeping.parts import job_id_of_day
from gateway.housekeeping.reminders import remind_retailers
from shared.business import OrderState
from shared.errors import QueueFull
from shared.messages.orders import CancelledBy
from shared.messages.reminders import ReminderType
from shared.queues import Queue
from tests.integration.reminders.debts import TODAY, Debts, Scheduler, at

DUE_SOON, OVERDUE, FINAL_NOTICE = ReminderType.DUE_SOON, ReminderType.OVERDUE, ReminderType.FINAL_NOTICE
TOMORROW = TODAY + timedelta(days=1)


def swept(debts: Debts, scheduler: Scheduler, day: date) -> list[str]:
    """Sweep, let the worker do what was asked, and say it: ``RET001 OVERDUE``."""
    remind_retailers(scheduler.parts(day))
    asked = scheduler.asked()
    for job_id, job in asked.items():
        debts.remind(ReminderType(job["type"]), retailer=job["retailerId"], now=at("09:30", day), job_id=job_id)
    scheduler.finish()
    return sorted(f"{job['retailerId']} {job['type']}" for job in asked.values())


def test_each_retailer_gets_one_job_of_the_gravest_type(debts: Debts, scheduler: Scheduler) -> None:
    debts.retailer("RET002")
    debts.order("A", late=15)
    debts.order("B", late=3)
    debts.order("C", late=-3, retailer="RET002")

    outcome = remind_retailers(scheduler.parts())

    assert scheduler.asked() == {
        "reminders-sweep-2026-11-24-RET001": {"retailerId": "RET001", "type": "FINAL_NOTICE"},
        "reminders-sweep-2026-11-24-RET002": {"retailerId": "RET002", "type": "DUE_SOON"},
    }
    assert outcome == "2 retailers to remind (0 OVERDUE, 1 DUE_SOON, 1 FINAL_NOTICE), 2 new jobs"


def test_an_order_is_reminded_of_at_its_milestones_until_it_is_paid(debts: Debts, scheduler: Scheduler) -> None:
    debts.order("A", late=0)
    reminded = {}

    for late in range(-8, 33):
        for found in swept(debts, scheduler, TODAY + timedelta(days=late)):
            reminded[late] = found

    assert reminded == {
        **dict.fromkeys((-7, -3, -1), "RET001 DUE_SOON"),
        **dict.fromkeys((1, 3, 7, 14), "RET001 OVERDUE"),
        **dict.fromkeys((15, 30), "RET001 FINAL_NOTICE"),
    }
    assert len(debts.messages()) == 9


def test_a_missed_milestone_is_caught_up_once(debts: Debts, scheduler: Scheduler) -> None:
    debts.order("A", late=5)

    days = [swept(debts, scheduler, TODAY + timedelta(days=later)) for later in range(4)]

    assert days == [["RET001 OVERDUE"], [], ["RET001 OVERDUE"], []]


def test_the_message_is_about_all_orders_of_the_type_which_settles_their_milestones(
    debts: Debts, scheduler: Scheduler
) -> None:
    debts.order("A", late=3)
    debts.order("B", late=5)

    assert swept(debts, scheduler, TODAY) == ["RET001 OVERDUE"]

    (message,) = debts.messages()
    assert [each["orderNumber"] for each in message["data"]["orders"]] == ["B", "A"]
    assert swept(debts, scheduler, TOMORROW) == []


def test_orders_beyond_the_200_that_a_message_names_are_not_reminded_again_the_next_day(
    debts: Debts, scheduler: Scheduler
) -> None:
    for number in range(201):
        debts.order(f"ORD{number:03}", late=31)

    assert swept(debts, scheduler, TODAY) == ["RET001 FINAL_NOTICE"]
    assert swept(debts, scheduler, TOMORROW) == []


def test_a_reminder_somebody_asked_for_at_the_milestone_takes_the_sweeps_place(
    debts: Debts, scheduler: Scheduler
) -> None:
    debts.order("A", late=3)
    debts.remind(OVERDUE, "A", now=at("08:30"))

    assert swept(debts, scheduler, TODAY) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"paid_paisa": 100_000, "payment_status": "PAID"},
        {"state": OrderState.CANCELLED, "cancelled_by": CancelledBy.RETAILER},
        {"state": OrderState.VENDOR_ASSIGNED},
        {"due_on": None},
        {"delivered_at": at("10:00", TODAY - timedelta(days=2)), "due_on": TODAY + timedelta(days=4)},
    ],
    ids=["paid", "cancelled", "not accepted", "without a due date", "delivered after the milestone"],
)
def test_what_is_not_to_be_paid_is_not_swept(debts: Debts, scheduler: Scheduler, changes: dict[str, Any]) -> None:
    debts.order("A", late=7, **changes)

    assert swept(debts, scheduler, TODAY) == []


def test_a_retailer_that_opted_out_is_left_out(debts: Debts, scheduler: Scheduler) -> None:
    for code, opted_out in (("RET002", True), ("RET003", False)):
        debts.retailer(code, opted_out=opted_out)
        debts.order(f"OF-{code}", late=1, retailer=code)

    assert swept(debts, scheduler, TODAY) == ["RET003 OVERDUE"]


def test_a_sweep_that_is_repeated_asks_for_nothing_twice(debts: Debts, scheduler: Scheduler) -> None:
    for number in range(3):
        debts.retailer(f"R{number}")
        debts.order(f"O{number}", late=1, retailer=f"R{number}")

    class DiesAfterTwo:
        """A broker whose process ends in the middle of the sweep."""

        def add_many(self, jobs: Any, **options: Any) -> Any:
            scheduler.broker.add_many(jobs[:2], **options)
            raise QueueFull("full")

    with pytest.raises(QueueFull):
        remind_retailers(scheduler.parts(broker=DiesAfterTwo()))
    first = scheduler.asked()

    assert remind_retailers(scheduler.parts()).endswith(" 1 new jobs")
    assert remind_retailers(scheduler.parts()).endswith(" 0 new jobs")
    assert len(first) == 2
    assert set(first) < set(scheduler.asked())
    assert len(scheduler.asked()) == 3


def test_a_retailer_gets_one_message_a_day_however_often_the_sweep_runs(debts: Debts, scheduler: Scheduler) -> None:
    debts.order("A", late=15)
    debts.order("B", late=3)

    swept(debts, scheduler, TODAY)
    swept(debts, scheduler, TODAY)

    assert [each.type for each in debts.reminders()] == [FINAL_NOTICE]
    assert swept(debts, scheduler, TOMORROW) == ["RET001 OVERDUE"]


def test_somebody_who_asks_for_a_reminder_need_not_wait_for_the_sweeps(debts: Debts, scheduler: Scheduler) -> None:
    debts.order("A", late=1)
    parts = scheduler.parts()
    remind_retailers(parts)

    answer = parts.jobs.send_payment_reminder("RET001", None, "OVERDUE")

    assert (answer.created, answer.deduplicated) == (True, False)
    first = debts.remind(OVERDUE, job_id=answer.job_id)
    assert (first["skipped"], debts.remind(OVERDUE)["skipped"]) == (False, True)


def test_the_jobs_are_spread_over_the_hour(debts: Debts, scheduler: Scheduler) -> None:
    for number in range(4):
        debts.retailer(f"R{number}")
        debts.order(f"O{number}", late=1, retailer=f"R{number}")

    remind_retailers(scheduler.parts())

    assert len(scheduler.asked()) == 4
    assert scheduler.delays_s() == pytest.approx([900, 1_800, 2_700], abs=60)


def test_without_anybody_to_remind_nothing_is_asked(debts: Debts, scheduler: Scheduler) -> None:
    outcome = remind_retailers(scheduler.parts())

    assert outcome == "0 retailers to remind (0 OVERDUE, 0 DUE_SOON, 0 FINAL_NOTICE), 0 new jobs"
    assert scheduler.asked(Queue.PAYMENT_REMINDERS) == {}


def test_any_code_makes_an_id_that_stands_in_an_address() -> None:
    assert job_id_of_day("sweep", TODAY, "RET-1.a_b") == "sweep-2026-11-24-RET-1.a_b"
    odd = [job_id_of_day("sweep", TODAY, code) for code in ("पसल/१", "पसल/२", "A B")]
    assert len(set(odd)) == 3
    assert all(each.isascii() and "/" not in each and " " not in each for each in odd)
