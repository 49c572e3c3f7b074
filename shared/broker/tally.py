"""What this process has done with its jobs since it started, in plain numbers: a metrics library would cost more."""

from __future__ import annotations

from bisect import bisect_left

BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000)
"""Upper bounds of the duration's buckets; one more bucket takes what is longer."""
MOST_NAMES = 100
OTHER = "other"
"""Stands for all names beyond the first 100: a name comes from Redis and must not make series without end."""
_RAN_TO_AN_END = frozenset({"completed", "failed", "delayed"})
"""Outcomes whose durations say how long the work takes; the others were interrupted or never began."""


class Durations:
    """A histogram of one kind of job: attempts a bucket, and the sum of their durations in milliseconds."""

    __slots__ = ("counts", "sum_ms")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_MS) + 1)
        self.sum_ms = 0


class Tally:
    """Attempts by queue, job name and outcome, and their durations; one thread at a time counts, any may read."""

    def __init__(self) -> None:
        self.finished: dict[tuple[str, str, str], int] = {}
        self.durations: dict[tuple[str, str], Durations] = {}

    def count(self, queue_name: str, name: str, outcome: str, duration_ms: int) -> None:
        """Count an attempt that ended; ``outcome`` is the engine's word for how."""
        durations = self.durations.get((queue_name, name))
        if durations is None:
            if len(self.durations) >= MOST_NAMES:
                name = OTHER
            durations = self.durations.setdefault((queue_name, name), Durations())
        if outcome in _RAN_TO_AN_END:
            durations.counts[bisect_left(BOUNDS_MS, duration_ms)] += 1
            durations.sum_ms += duration_ms
        key = (queue_name, name, outcome)
        self.finished[key] = self.finished.get(key, 0) + 1
