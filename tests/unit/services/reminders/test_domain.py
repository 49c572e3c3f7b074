"""What is refused, when it is quiet, and where the retailer pays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reminders import domain
from shared.business import OrderState
from shared.clock import BUSINESS_ZONE
from shared.errors import Refused
from shared.messages.reminders import ReminderType
from tests.unit.shared.reminding.builders import RETAILER, TODAY, an_order, at

DUE_SOON, OVERDUE, FINAL_NOTICE = ReminderType.DUE_SOON, ReminderType.OVERDUE, ReminderType.FINAL_NOTICE
HOUR_MS = 3_600_000


def test_another_retailers_order_is_refused() -> None:
    with pytest.raises(Refused, match="ORD2611000001 is not an order of retailer RET002"):
        domain.refuse_for_good(an_order(), "RET002")


def test_a_cancelled_order_is_refused() -> None:
    with pytest.raises(Refused, match="is cancelled"):
        domain.refuse_for_good(an_order(state=OrderState.CANCELLED), RETAILER)


def test_a_retailers_own_order_is_not_refused_for_good_even_if_it_is_paid() -> None:
    domain.refuse_for_good(an_order(paid_paisa=150_000), RETAILER)


def test_a_paid_order_is_refused() -> None:
    with pytest.raises(Refused, match="ORD2611000001 is paid"):
        domain.refuse_on(an_order(paid_paisa=150_000), OVERDUE, TODAY)


@pytest.mark.parametrize("changes", [{"due_on": None}, {"state": OrderState.CONFIRMED}])
def test_an_order_on_which_nothing_is_due_yet_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="no reminder applies"):
        domain.refuse_on(an_order(**changes), OVERDUE, TODAY)


@pytest.mark.parametrize(
    ("reminder_type", "late", "rule"),
    [
        (DUE_SOON, -8, "from 7 days before the due date until that day"),
        (DUE_SOON, 1, "from 7 days before the due date until that day"),
        (OVERDUE, 0, "from the day after the due date on"),
        (FINAL_NOTICE, 14, "from 15 days after the due date on"),
    ],
)
def test_a_type_that_does_not_match_is_refused_by_its_rule(reminder_type: ReminderType, late: int, rule: str) -> None:
    with pytest.raises(Refused, match=rule):
        domain.refuse_on(an_order(late), reminder_type, TODAY)


@pytest.mark.parametrize(
    ("reminder_type", "late"), [(DUE_SOON, -7), (DUE_SOON, 0), (OVERDUE, 1), (OVERDUE, 15), (FINAL_NOTICE, 15)]
)
def test_a_type_that_matches_is_not_refused(reminder_type: ReminderType, late: int) -> None:
    domain.refuse_on(an_order(late), reminder_type, TODAY)


@pytest.mark.parametrize(
    ("now", "wait_ms"),
    [
        (at(8), 0),
        (at(12), 0),
        (at(19, 59, 59), 0),
        (at(20), 12 * HOUR_MS),
        (at(23), 9 * HOUR_MS),
        (at(0), 8 * HOUR_MS),
        (at(7, 59, 59), 1_000),
    ],
)
def test_from_eight_in_the_evening_to_eight_in_the_morning_a_job_waits_for_the_morning(
    now: datetime, wait_ms: int
) -> None:
    assert domain.quiet_ms(now) == wait_ms
    assert domain.quiet_ms(now.astimezone(UTC)) == wait_ms


def test_a_part_of_a_millisecond_is_waited_for_whole() -> None:
    assert domain.quiet_ms(at(7, 59, 59) + timedelta(microseconds=999_001)) == 1


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - the strategy adds the zone
def test_after_the_wait_it_is_morning_and_never_quiet(now: datetime) -> None:
    wait_ms = domain.quiet_ms(now)
    then = now + timedelta(milliseconds=wait_ms)

    assert 0 <= wait_ms <= 12 * HOUR_MS
    assert domain.quiet_ms(then) == 0
    assert not wait_ms or then.astimezone(BUSINESS_ZONE).strftime("%H:%M:%S") == "08:00:00"


@pytest.mark.parametrize(
    ("start", "link"),
    [
        (None, None),
        ("", None),
        ("https://pay.example", "https://pay.example/RET%2F1"),
        ("https://pay.example/", "https://pay.example/RET%2F1"),
        ("https://pay.example/?shop=", "https://pay.example/?shop=RET%2F1"),
        ("https://pay.example/" + "x" * 472, "https://pay.example/" + "x" * 472 + "/RET%2F1"),
        ("https://pay.example/" + "x" * 473, None),
    ],
)
def test_the_payment_link_starts_as_configured_and_ends_with_the_retailer(start: str | None, link: str | None) -> None:
    assert domain.payment_link(start, "RET/1") == link
