"""Business days begin at midnight in Kathmandu, which is 18:15 UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.clock import BUSINESS_ZONE, business_day


@pytest.mark.parametrize(("second", "day"), [(-1, date(2026, 11, 24)), (0, date(2026, 11, 25))])
def test_a_business_day_begins_at_midnight_in_kathmandu(second: int, day: date) -> None:
    instant = datetime(2026, 11, 24, 18, 15, tzinfo=UTC) + timedelta(seconds=second)

    assert business_day(instant) == business_day(instant.astimezone(BUSINESS_ZONE)) == day
