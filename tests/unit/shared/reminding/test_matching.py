"""Which orders match a type, and how the sweep's jobs are spread."""

from __future__ import annotations

import pytest

from shared.business import OrderState
from shared.messages.reminders import ReminderType
from shared.reminding import rules
from tests.unit.shared.reminding.builders import TODAY, an_order

DUE_SOON, OVERDUE, FINAL_NOTICE = ReminderType.DUE_SOON, ReminderType.OVERDUE, ReminderType.FINAL_NOTICE


@pytest.mark.parametrize(
    ("late", "types"),
    [
        (-8, set()),
        (-7, {DUE_SOON}),
        (-1, {DUE_SOON}),
        (0, {DUE_SOON}),
        (1, {OVERDUE}),
        (14, {OVERDUE}),
        (15, {OVERDUE, FINAL_NOTICE}),
        (400, {OVERDUE, FINAL_NOTICE}),
    ],
)
def test_the_days_past_due_say_which_types_match(late: int, types: set[ReminderType]) -> None:
    assert {each for each in ReminderType if rules.matches(an_order(late), each, TODAY)} == types


@pytest.mark.parametrize(
    ("paid_paisa", "is_due"),
    [(0, True), (149_999, True), (150_000, False), (150_001, False)],
)
def test_an_order_matches_until_its_last_paisa_is_paid(paid_paisa: int, *, is_due: bool) -> None:
    assert rules.matches(an_order(paid_paisa=paid_paisa), OVERDUE, TODAY) is is_due


@pytest.mark.parametrize("state", list(OrderState))
def test_only_what_a_vendor_accepted_is_owed(state: OrderState) -> None:
    owed = {OrderState.ACCEPTED, OrderState.DISPATCHED, OrderState.DELIVERED, OrderState.COMPLETED}

    assert rules.matches(an_order(state=state), OVERDUE, TODAY) is (state in owed)


def test_an_order_without_a_due_date_matches_nothing() -> None:
    assert not any(rules.matches(an_order(due_on=None), each, TODAY) for each in ReminderType)


def test_the_longest_due_order_is_named_first() -> None:
    orders = [an_order(late, number=number) for late, number in ((1, "B"), (20, "C"), (1, "A"), (0, "D"))]

    assert [order.number for order in rules.matching(orders, OVERDUE, TODAY)] == ["C", "A", "B"]


@pytest.mark.parametrize(
    ("position", "count", "delay_ms"),
    [(0, 1, 0), (0, 3_600, 0), (1, 3_600, 1_000), (3_599, 3_600, 3_599_000), (1, 2, 1_800_000)],
)
def test_the_sweeps_jobs_are_spread_over_the_hour(position: int, count: int, delay_ms: int) -> None:
    assert rules.spread_ms(position, count) == delay_ms
