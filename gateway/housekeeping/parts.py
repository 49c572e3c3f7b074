"""What housekeeping works with, and the ids of the jobs that it asks for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date

from shared.database import Database
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.settings import Settings

JOBS_AT_ONCE = 1_000

_PLAIN = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the scheduler process that its housekeeping may use."""

    settings: Settings
    database: Database
    store: JobStore
    jobs: JobQueueService


def job_id_of_day(what: str, day: date, code: str) -> str:
    """The id, without its queue's prefix, of the one job of a day about ``code``: ``sweep-2026-11-24-RET001``.

    A code that would not stand well in an address is hashed.
    """
    name = code if _PLAIN.fullmatch(code) else hashlib.sha256(code.encode()).hexdigest()[:32]
    return f"{what}-{day.isoformat()}-{name}"
