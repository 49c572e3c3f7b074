"""Finished jobs go when their time is over."""

from __future__ import annotations

from gateway.housekeeping.parts import Parts
from shared.queues import Queue

GRACE_HOURS = 24
"""Completed jobs stay this long, failed ones seven times as long."""


def clean_jobs(parts: Parts) -> str:
    """Remove jobs completed more than a day ago and failed ones older than a week, of every queue."""
    removed = [parts.store.clean(queue, GRACE_HOURS, "schedule clean-jobs") for queue in Queue]
    completed, failed = sum(each.completed for each in removed), sum(each.failed for each in removed)
    return f"removed {completed} completed and {failed} failed jobs"
