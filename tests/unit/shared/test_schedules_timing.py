"""When schedules are due: time zones with and without daylight saving, Kathmandu's +05:45, intervals, bad input."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.schedules import Cron, Interval, time_zone
from shared.schedules.timing import from_ms, to_ms


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times(cron: Cron, after: str, count: int) -> list[str]:
    found = []
    instant = utc(after)
    for _ in range(count):
        instant = cron.next_after(instant)
        found.append(instant.strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 2 * * *", "2026-11-24T20:15"),
        ("55 8 * * *", "2026-11-25T03:10"),
        ("0 9 * * *", "2026-11-25T03:15"),
        ("*/15 * * * *", "2026-11-24T12:15"),
        ("0 3 * * *", "2026-11-24T21:15"),
        ("0 7 * * MON", "2026-11-30T01:15"),
    ],
)
def test_the_platforms_times_are_kathmandus(expression: str, expected: str) -> None:
    assert Cron(expression, "Asia/Kathmandu").next_after(utc("2026-11-24T12:00")) == utc(expected)


def test_the_next_time_is_later_than_now_to_the_second() -> None:
    cron = Cron("0 9 * * *", "Asia/Kathmandu")

    assert cron.next_after(utc("2026-11-24T03:14:59")) == utc("2026-11-24T03:15")
    assert cron.next_after(utc("2026-11-24T03:15:00")) == utc("2026-11-25T03:15")


def test_a_local_time_follows_daylight_saving() -> None:
    assert times(Cron("0 9 * * *", "Europe/Berlin"), "2026-03-28T00:00", 2) == ["03-28 08:00", "03-29 07:00"]
    assert times(Cron("0 9 * * *", "Europe/Berlin"), "2026-10-24T00:00", 2) == ["10-24 07:00", "10-25 08:00"]


def test_a_time_that_the_clock_skips_comes_right_after_the_gap() -> None:
    assert times(Cron("30 2 * * *", "Europe/Berlin"), "2026-03-28T12:00", 2) == ["03-29 01:00", "03-30 00:30"]


def test_times_that_fall_into_one_gap_come_once() -> None:
    assert times(Cron("10,50 2 * * *", "Europe/Berlin"), "2026-03-28T12:00", 2) == ["03-29 01:00", "03-30 00:10"]


def test_a_time_that_the_clock_repeats_comes_once() -> None:
    assert times(Cron("30 2 * * *", "Europe/Berlin"), "2026-10-24T12:00", 2) == ["10-25 00:30", "10-26 01:30"]


@pytest.mark.parametrize("after", ["2026-10-25T00:40", "2026-10-25T01:00", "2026-10-25T01:20"])
def test_within_the_repeated_hour_the_next_time_is_never_in_the_past(after: str) -> None:
    """At 01:00 UTC Berlin's clocks go from 03:00 back to 02:00."""
    assert times(Cron("30 2 * * *", "Europe/Berlin"), after, 1) == ["10-26 01:30"]


def test_every_quarter_of_an_hour_comes_through_both_changes_of_the_clock() -> None:
    cron = Cron("*/15 * * * *", "Europe/Berlin")

    for start in ("2026-03-29T00:30", "2026-10-25T00:30"):
        expected = [(utc(start) + timedelta(minutes=15 * n)).strftime("%m-%d %H:%M") for n in range(1, 9)]
        assert times(cron, start, 8) == expected


def test_the_29th_of_february_is_waited_for() -> None:
    assert Cron("0 0 29 2 *", "UTC").next_after(utc("2026-11-24T00:00")) == utc("2028-02-29T00:00")


@given(
    st.sampled_from(["30 2 * * *", "*/7 * * * *", "0 0 1 * *", "15 1-4 * * SUN", "59 23 L * *"]),
    st.sampled_from(["Asia/Kathmandu", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
    st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - hypothesis takes naive limits
)
def test_the_next_time_is_always_later_and_nothing_lies_between(expression: str, zone: str, at: datetime) -> None:
    cron = Cron(expression, zone)
    instant = at.replace(tzinfo=UTC)

    due = cron.next_after(instant)

    assert due > instant
    assert cron.next_after(due - timedelta(seconds=1)) == due


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("0 * * * * *", "five fields"),
        ("@daily", "five fields"),
        ("61 * * * *", "wrong minute"),
        ("0 24 * * *", "wrong hour"),
        ("0 0 32 * *", "wrong day-of-month"),
        ("0 0 * 13 *", "wrong month"),
        ("0 0 * * 8", "wrong day-of-week"),
        ("0 0 * * MON#6", "wrong day-of-week"),
        ("*/0 * * * *", "wrong minute"),
        ("5-1 * * * *", "wrong minute"),
        ("x * * * *", "wrong minute"),
        ("0 0 30 2 *", "wrong day-of-month"),
        ("0 0 ² * *", "wrong day-of-month"),
        ("1," * 60 + "1 * * * *", "five fields"),
    ],
)
def test_a_wrong_expression_is_told_which_field_is_wrong(expression: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Cron(expression, "Asia/Kathmandu")


@given(st.text(alphabet="0123456789*/-,#LW MONJA", max_size=30))
def test_an_expression_is_refused_or_has_a_next_time(expression: str) -> None:
    try:
        cron = Cron(expression, "UTC")
    except ValueError:
        return
    assert cron.next_after(utc("2026-11-24T00:00")) > utc("2026-11-24T00:00")


def test_a_wrong_zone_is_told_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean Asia/Kathmandu"):
        time_zone("Asia/Kathmandoo")
    for name in ("", "../etc/passwd", "+05:45", "asia/kathmandu"):
        with pytest.raises(ValueError, match="is not a time zone"):
            time_zone(name)


def test_an_interval_counts_from_its_start() -> None:
    interval = Interval(90_000, utc("2026-11-24T10:00"))

    assert interval.next_after(utc("2026-11-24T09:00")) == utc("2026-11-24T10:01:30")
    assert interval.next_after(utc("2026-11-24T10:00")) == utc("2026-11-24T10:01:30")
    assert interval.next_after(utc("2026-11-24T10:01:30")) == utc("2026-11-24T10:03:00")


def test_an_interval_keeps_its_rhythm_after_a_gap() -> None:
    interval = Interval(60_000, utc("2026-11-24T10:00:07"))

    assert interval.next_after(utc("2026-11-25T10:00:00")) == utc("2026-11-25T10:00:07")


@given(st.integers(-(10**13), 10**13))
def test_milliseconds_are_exact(milliseconds: int) -> None:
    assert to_ms(from_ms(milliseconds)) == milliseconds
