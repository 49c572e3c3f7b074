"""The time to answer an offer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import answer_time
from shared.clock import BUSINESS_ZONE


@pytest.mark.parametrize(
    ("offered", "deadline"),
    [
        ("24T10:00", "24T12:00"),
        ("24T08:00", "24T10:00"),
        ("24T07:59", "24T10:00"),
        ("24T00:00", "24T10:00"),
        ("24T18:00", "24T20:00"),
        ("24T18:01", "25T08:01"),
        ("24T19:59", "25T09:59"),
        ("24T20:00", "25T10:00"),
        ("24T23:59", "25T10:00"),
        ("30T19:00", "31T09:00"),
    ],
)
def test_the_two_hours_to_answer_count_from_eight_to_twenty(offered: str, deadline: str) -> None:
    start, end = (
        datetime.fromisoformat(f"2026-12-{text}").replace(tzinfo=BUSINESS_ZONE) for text in (offered, deadline)
    )

    assert answer_time.answer_deadline(start.astimezone(UTC)) == end


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - the strategy adds the zone
def test_a_deadline_lies_in_the_day_and_at_most_fourteen_hours_away(offered_at: datetime) -> None:
    deadline = answer_time.answer_deadline(offered_at)

    assert timedelta(hours=2) <= deadline - offered_at <= timedelta(hours=14)
    assert answer_time.OPENS <= deadline.astimezone(BUSINESS_ZONE).time() <= answer_time.CLOSES
    assert deadline.utcoffset() == timedelta()
