"""Rates and forecasts from a queue's notes."""

from __future__ import annotations

from shared.queue_history import (
    MINUTE_MS,
    Note,
    drains_in_ms,
    error_share,
    growth_per_minute,
    minutes,
    per_minute,
)

HALF_MS = 30_000


def notes(*totals: tuple[int, int, int]) -> list[Note]:
    """One note every half minute: completed, failed, waiting."""
    return [Note(index * HALF_MS, *each) for index, each in enumerate(totals)]


def test_the_rate_is_what_completed_over_the_span_of_the_notes() -> None:
    assert per_minute(notes((0, 0, 0), (10, 0, 0), (30, 0, 0))) == 30


def test_the_rate_looks_back_five_minutes_only() -> None:
    slow_then_fast = notes(*[(0, 0, 0)] * 20, *[(index * 5, 0, 0) for index in range(11)])

    assert per_minute(slow_then_fast) == 10


def test_nothing_is_known_from_one_note() -> None:
    assert per_minute(notes((5, 0, 0))) is None
    assert per_minute([]) is None
    assert error_share([]) is None


def test_the_share_of_errors_counts_what_ended() -> None:
    assert error_share(notes((0, 0, 0), (9, 1, 0))) == 0.1
    assert error_share(notes((4, 1, 0), (4, 1, 0))) is None


def test_a_line_that_shrinks_is_empty_when_it_goes_on_so() -> None:
    assert drains_in_ms(notes((0, 0, 100), (0, 0, 80), (0, 0, 60)), waiting=60) == 60 * 1000 * 3 // 2


def test_an_empty_line_is_drained_and_a_growing_one_never() -> None:
    assert drains_in_ms([], waiting=0) == 0
    assert drains_in_ms(notes((0, 0, 10), (0, 0, 20)), waiting=20) is None
    assert growth_per_minute(notes((0, 0, 10), (0, 0, 20)), waiting=20) == 20


def test_each_minute_counts_what_completed_in_it() -> None:
    found = minutes(notes((0, 0, 0), (3, 0, 0), (5, 0, 0), (6, 0, 0)), now_ms=MINUTE_MS + HALF_MS)

    assert found[-3:] == [0, 3, 3]
    assert len(found) == 60


def test_a_counter_that_began_anew_counts_nothing() -> None:
    assert sum(minutes(notes((100, 0, 0), (0, 0, 0)), now_ms=HALF_MS)) == 0
