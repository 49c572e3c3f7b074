"""The daily sweep: milestones, catching up, the gravest type."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messages.reminders import ReminderType
from shared.reminding import rules
from shared.reminding.rules import OrderToPay
from tests.unit.shared.reminding.builders import TODAY, an_order

DUE_SOON, OVERDUE, FINAL_NOTICE = ReminderType.DUE_SOON, ReminderType.OVERDUE, ReminderType.FINAL_NOTICE


def sent_over(orders: list[OrderToPay], first: date, days: int, *, down: frozenset[date] = frozenset()) -> list[str]:
    """What the sweep sends day by day, as ``OVERDUE 3`` (the days past due of the first order); none while down."""
    reminded: dict[tuple[ReminderType, str], date] = {}
    sent: list[str] = []
    for today in (first + timedelta(days=each) for each in range(days)):
        if today in down:
            continue
        chosen = rules.sweep_type(orders, reminded, today)
        if chosen is None:
            continue
        due_on = orders[0].due_on
        assert due_on is not None
        sent.append(f"{chosen} {rules.days_past_due(due_on, today)}")
        reminded |= {(chosen, order.number): today for order in rules.matching(orders, chosen, today)}
    return sent


def test_an_unpaid_order_is_reminded_at_each_milestone_once() -> None:
    sent = sent_over([an_order(0)], TODAY - timedelta(days=10), 100)

    assert sent == [
        "DUE_SOON -7",
        "DUE_SOON -3",
        "DUE_SOON -1",
        "OVERDUE 1",
        "OVERDUE 3",
        "OVERDUE 7",
        "OVERDUE 14",
        "FINAL_NOTICE 15",
        "FINAL_NOTICE 30",
    ]


@pytest.mark.parametrize(
    ("late", "reached"),
    [
        (-8, None),
        (-7, (DUE_SOON, -7)),
        (-4, (DUE_SOON, -7)),
        (-3, (DUE_SOON, -3)),
        (-2, (DUE_SOON, -3)),
        (-1, (DUE_SOON, -1)),
        (0, (DUE_SOON, -1)),
        (1, (OVERDUE, 1)),
        (2, (OVERDUE, 1)),
        (3, (OVERDUE, 3)),
        (6, (OVERDUE, 3)),
        (7, (OVERDUE, 7)),
        (13, (OVERDUE, 7)),
        (14, (OVERDUE, 14)),
        (15, (FINAL_NOTICE, 15)),
        (29, (FINAL_NOTICE, 15)),
        (30, (FINAL_NOTICE, 30)),
        (1_000, (FINAL_NOTICE, 30)),
    ],
)
def test_the_last_milestone_reached(late: int, reached: tuple[ReminderType, int] | None) -> None:
    order = an_order(late)

    found = rules.milestone(order, TODAY)

    assert order.due_on is not None
    assert found == (reached and (reached[0], order.due_on + timedelta(days=reached[1])))


@pytest.mark.parametrize(
    ("owed_from_days_ago", "reached"), [(0, None), (1, DUE_SOON), (30, DUE_SOON)], ids=["today", "yesterday", "before"]
)
def test_a_milestone_before_the_delivery_is_none(owed_from_days_ago: int, reached: ReminderType | None) -> None:
    order = an_order(-6, owed_from=TODAY - timedelta(days=owed_from_days_ago))

    assert rules.sweep_type([order], {}, TODAY) is reached


def test_a_missed_milestone_is_caught_up_once() -> None:
    first_day_late = frozenset({TODAY + timedelta(days=1)})

    sent = sent_over([an_order(0)], TODAY, 7, down=first_day_late)

    assert sent == ["DUE_SOON 0", "OVERDUE 2", "OVERDUE 3"]


def test_several_missed_milestones_are_caught_up_by_one_reminder() -> None:
    down = frozenset(TODAY + timedelta(days=each) for each in range(13))

    assert sent_over([an_order(0)], TODAY, 15, down=down) == ["OVERDUE 13", "OVERDUE 14"]


def test_an_order_imported_long_overdue_gets_one_final_notice() -> None:
    assert sent_over([an_order(200)], TODAY, 60) == ["FINAL_NOTICE 200"]


def test_a_reminder_before_the_milestone_does_not_replace_it() -> None:
    order = an_order(3)

    assert rules.sweep_type([order], {(OVERDUE, order.number): TODAY - timedelta(days=1)}, TODAY) is OVERDUE
    assert rules.sweep_type([order], {(OVERDUE, order.number): TODAY}, TODAY) is None


def test_a_reminder_of_another_type_does_not_replace_a_milestone() -> None:
    order = an_order(15)

    assert rules.sweep_type([order], {(OVERDUE, order.number): TODAY}, TODAY) is FINAL_NOTICE


def test_the_gravest_type_at_a_milestone_is_sent_and_the_others_follow_on_later_days() -> None:
    orders = [an_order(15, number="A"), an_order(3, number="B"), an_order(-3, number="C")]

    assert rules.sweep_type(orders, {}, TODAY) is FINAL_NOTICE
    assert sent_over(orders, TODAY, 3) == ["FINAL_NOTICE 15", "OVERDUE 16", "DUE_SOON 17"]


def test_an_old_debt_without_a_milestone_does_not_silence_newer_orders() -> None:
    old, new = an_order(20, number="A"), an_order(1, number="B")

    assert rules.sweep_type([old, new], {(FINAL_NOTICE, "A"): TODAY - timedelta(days=5)}, TODAY) is OVERDUE


@pytest.mark.parametrize("changes", [{"paid_paisa": 150_000}, {"due_on": None}])
def test_what_is_not_due_is_not_swept(changes: dict[str, Any]) -> None:
    assert rules.sweep_type([an_order(**changes)], {}, TODAY) is None


def test_reminders_older_than_the_earliest_last_milestone_have_no_say() -> None:
    orders = [an_order(2), an_order(40), an_order(-20)]

    assert rules.earliest_milestones(TODAY, orders) == TODAY - timedelta(days=10)
    assert rules.earliest_milestones(TODAY, []) == TODAY


@given(
    lates=st.lists(st.integers(min_value=-20, max_value=60), min_size=1, max_size=5),
    down=st.frozensets(st.integers(min_value=0, max_value=59)),
)
def test_no_day_has_a_type_without_a_matching_order_and_no_more_reminders_than_milestones(
    lates: list[int], down: frozenset[int]
) -> None:
    orders = [an_order(late, number=f"ORD{index}") for index, late in enumerate(lates)]
    closed = frozenset(TODAY + timedelta(days=each) for each in down)

    sent = sent_over(orders, TODAY, 60, down=closed)

    assert len(sent) <= 9 * len(orders)
    for reminder_type, milestones in rules.MILESTONES.items():
        assert sum(each.startswith(reminder_type) for each in sent) <= len(milestones) * len(orders)
