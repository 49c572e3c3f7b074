"""A queue's last hour: totals noted every half minute, and the rates and forecasts that follow from them.

The scheduler notes them (``shared/broker/keeper.py``), so the hour is there for whoever looks first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from shared.broker import keys
from shared.broker.connection import UNREACHABLE
from shared.errors import RedisUnavailable
from shared.queues import Queue

MINUTE_MS = 60_000
RATE_WINDOW_MS = 5 * MINUTE_MS
ERROR_WINDOW_MS = 15 * MINUTE_MS
SHOWN_MINUTES = 60
LEAST_SPAN_MS = 20_000
"""A shorter stretch says nothing about a rate."""


@dataclass(frozen=True, slots=True)
class Note:
    """Totals at one moment (epoch ms): jobs ever completed and failed, and jobs waiting then."""

    at_ms: int
    completed: int
    failed: int
    waiting: int


def histories(client: Any, queues: Iterable[Queue] = tuple(Queue)) -> dict[Queue, list[Note]]:
    """The notes of the queues, oldest first. Raises ``RedisUnavailable``."""
    wanted = list(queues)
    try:
        pipeline = client.pipeline(transaction=False)
        for queue in wanted:
            pipeline.lrange(keys.history(queue.value), 0, -1)
        replies = pipeline.execute()
    except UNREACHABLE as error:
        raise RedisUnavailable(f"Redis can't be reached: {type(error).__name__}") from error
    return {
        queue: [Note(*map(int, note.split())) for note in reply] for queue, reply in zip(wanted, replies, strict=True)
    }


def per_minute(notes: Sequence[Note]) -> float | None:
    """Jobs completed a minute over the last five minutes; None before enough is known."""
    window = _last(notes, RATE_WINDOW_MS)
    span = _span_ms(window)
    return None if span < LEAST_SPAN_MS else (window[-1].completed - window[0].completed) * MINUTE_MS / span


def error_share(notes: Sequence[Note]) -> float | None:
    """Share (0 to 1) of the jobs that ended within a quarter of an hour and failed for good; None if none ended."""
    window = _last(notes, ERROR_WINDOW_MS)
    if not window:
        return None
    failed = window[-1].failed - window[0].failed
    ended = window[-1].completed - window[0].completed + failed
    return failed / ended if ended > 0 else None


def drains_in_ms(notes: Sequence[Note], waiting: int) -> int | None:
    """When the line is empty if it goes on shrinking as in the last five minutes; None if it doesn't shrink."""
    window = _last(notes, RATE_WINDOW_MS)
    span = _span_ms(window)
    if waiting == 0:
        return 0
    shrunk = window[0].waiting - waiting if span >= LEAST_SPAN_MS else 0
    return None if shrunk <= 0 else round(waiting * span / shrunk)


def growth_per_minute(notes: Sequence[Note], waiting: int) -> float:
    """By how many jobs a minute the line grew over the last five minutes; negative if it shrank."""
    window = _last(notes, RATE_WINDOW_MS)
    span = _span_ms(window)
    return 0.0 if span < LEAST_SPAN_MS else (waiting - window[0].waiting) * MINUTE_MS / span


def minutes(notes: Sequence[Note], now_ms: int) -> list[int]:
    """Jobs completed in each of the last sixty minutes, oldest first; a minute without notes counts none."""
    counts = [0] * SHOWN_MINUTES
    for before, after in pairwise(notes):
        place = SHOWN_MINUTES - 1 - (now_ms - after.at_ms) // MINUTE_MS
        if 0 <= place < SHOWN_MINUTES:
            counts[place] += max(after.completed - before.completed, 0)
    return counts


def _last(notes: Sequence[Note], window_ms: int) -> Sequence[Note]:
    if not notes:
        return ()
    begin = notes[-1].at_ms - window_ms
    return [note for note in notes if note.at_ms >= begin]


def _span_ms(window: Sequence[Note]) -> int:
    return window[-1].at_ms - window[0].at_ms if window else 0
