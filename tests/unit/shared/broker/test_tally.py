"""Attempts are counted in plain numbers."""

from __future__ import annotations

from shared.broker.tally import BOUNDS_MS, MOST_NAMES, OTHER, Tally


def test_attempts_are_counted_by_queue_name_and_outcome() -> None:
    tally = Tally()

    for outcome in ("completed", "completed", "delayed"):
        tally.count("orders", "order", outcome, 3)

    assert tally.finished == {("orders", "order", "completed"): 2, ("orders", "order", "delayed"): 1}


def test_a_duration_falls_into_the_first_bucket_whose_bound_it_does_not_exceed() -> None:
    tally = Tally()

    for duration_ms in (5, 6, 300_001):
        tally.count("orders", "order", "completed", duration_ms)

    durations = tally.durations["orders", "order"]
    assert (durations.counts[0], durations.counts[1], durations.counts[len(BOUNDS_MS)]) == (1, 1, 1)
    assert durations.sum_ms == 300_012


def test_what_was_interrupted_or_never_began_has_no_duration() -> None:
    tally = Tally()

    for outcome in ("released", "parked", "cancelled", "lost"):
        tally.count("orders", "order", outcome, 100)

    assert sum(tally.durations["orders", "order"].counts) == 0
    assert sum(tally.finished.values()) == 4


def test_names_without_end_make_no_series_without_end() -> None:
    tally = Tally()

    for number in range(MOST_NAMES + 50):
        tally.count("orders", f"name-{number}", "completed", 1)

    assert len(tally.finished) == MOST_NAMES + 1
    assert tally.finished["orders", OTHER, "completed"] == 50
    assert sum(tally.durations["orders", OTHER].counts) == 50
