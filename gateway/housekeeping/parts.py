"""What housekeeping works with."""

from __future__ import annotations

from dataclasses import dataclass

from shared.database import Database
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the scheduler process that its housekeeping may use."""

    settings: Settings
    database: Database
    store: JobStore
    jobs: JobQueueService
