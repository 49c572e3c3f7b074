"""The housekeeping that schedules can ask of the scheduler process, by name.

A function is repeated if its process dies while it runs, so each must bear that. What it returns is shown with the
schedule's last run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.database import Database
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.queues import Queue
from shared.settings import Settings

GRACE_HOURS = 24
"""Completed jobs stay this long, failed ones seven times as long."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What housekeeping works with."""

    settings: Settings
    database: Database
    store: JobStore
    jobs: JobQueueService


def clean_jobs(parts: Parts) -> str:
    """Remove jobs completed more than a day ago and failed ones older than a week, of every queue."""
    removed = [parts.store.clean(queue, GRACE_HOURS, "schedule clean-jobs") for queue in Queue]
    completed, failed = sum(each.completed for each in removed), sum(each.failed for each in removed)
    return f"removed {completed} completed and {failed} failed jobs"


FUNCTIONS: Mapping[str, Callable[[Parts], str]] = {"clean-jobs": clean_jobs}
"""Every name that a schedule may have as its housekeeping."""
