"""What a schedule is, what one run of it is, and how both are stored: as JSON with times in epoch milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from shared.broker.options import JobOptions, NewJob
from shared.queues import POLICIES, Queue
from shared.schedules.timing import Cron, Interval, Timing, from_ms, to_ms

Json = dict[str, Any]

SYSTEM = "doko"
"""Who made the schedules that exist from the start."""


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """The job of a schedule: checked when the schedule was saved, enqueued as it is stored (options in JSON names)."""

    queue: Queue
    name: str
    data: Json
    version: int = 1
    options: Json = field(default_factory=dict)

    @classmethod
    def of(cls, job: NewJob) -> ScheduledJob:
        """The job without an id of its own: each run has one."""
        options = replace(job.options, job_id=None).to_json()
        return cls(job.queue, job.name, job.data, job.version, options)

    def new_job(self, job_id: str) -> NewJob:
        """The job of one run. Raises InvalidOption for options that the engine no longer knows."""
        options = JobOptions.from_json({**self.options, "jobId": job_id})
        return NewJob(self.queue, self.name, self.data, self.version, options)


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """A function of the scheduler process, by its name in the registry there."""

    name: str


Work = ScheduledJob | Housekeeping


@dataclass(frozen=True, slots=True)
class Schedule:
    """Something to do again and again. ``revision`` counts the changes, so that none is overwritten unseen."""

    id: str
    timing: Timing
    work: Work
    zone: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    description: str | None = None
    is_paused: bool = False
    revision: int = 1

    def same_definition(self, other: Schedule) -> bool:
        """Whether both say the same: timing (an interval's start aside), zone, work and description."""
        return self.definition() == other.definition()

    def definition(self) -> Json:
        """What somebody wrote about the schedule, as stored."""
        return {
            "description": self.description,
            "zone": self.zone,
            "cron": self.timing.expression if isinstance(self.timing, Cron) else None,
            "every": self.timing.every_ms if isinstance(self.timing, Interval) else None,
            "work": _work_to_json(self.work),
        }

    def to_bytes(self) -> bytes:
        """As stored; two revisions never have the same bytes."""
        stored = {
            **self.definition(),
            "start": to_ms(self.timing.start) if isinstance(self.timing, Interval) else None,
            "created": to_ms(self.created_at),
            "created_by": self.created_by,
            "updated": to_ms(self.updated_at),
            "updated_by": self.updated_by,
            "paused": self.is_paused,
            "revision": self.revision,
        }
        return orjson.dumps(stored)

    @classmethod
    def from_bytes(cls, schedule_id: str, raw: bytes) -> Schedule:
        """Read back ``to_bytes``. Raises ValueError for a zone or expression that is no longer known."""
        stored = orjson.loads(raw)
        timing: Timing
        if stored["cron"] is not None:
            timing = Cron(stored["cron"], stored["zone"])
        else:
            timing = Interval(stored["every"], from_ms(stored["start"]))
        return cls(
            id=schedule_id,
            timing=timing,
            work=_work_from_json(stored["work"]),
            zone=stored["zone"],
            created_at=from_ms(stored["created"]),
            created_by=stored["created_by"],
            updated_at=from_ms(stored["updated"]),
            updated_by=stored["updated_by"],
            description=stored["description"],
            is_paused=stored["paused"],
            revision=stored["revision"],
        )


@dataclass(frozen=True, slots=True)
class Run:
    """One run that was claimed and isn't confirmed yet, with the work as it was when claimed."""

    schedule_id: str
    due_at: datetime
    work: Work
    tries: int = 1
    token: str = ""

    @property
    def job_id(self) -> str | None:
        """The id of the run's job: the same whoever enqueues it."""
        return (
            run_job_id(self.work.queue, self.schedule_id, self.due_at) if isinstance(self.work, ScheduledJob) else None
        )

    def to_bytes(self) -> bytes:
        """As stored; ``token`` is the holder's, so a run that was taken over differs."""
        due = to_ms(self.due_at)
        return orjson.dumps({"due": due, "work": _work_to_json(self.work), "tries": self.tries, "token": self.token})

    @classmethod
    def from_bytes(cls, schedule_id: str, raw: bytes) -> Run:
        """Read back ``to_bytes``."""
        stored = orjson.loads(raw)
        work = _work_from_json(stored["work"])
        return cls(schedule_id, from_ms(stored["due"]), work, stored["tries"], stored["token"])


@dataclass(frozen=True, slots=True)
class LastRun:
    """What became of a schedule's latest run: its job was enqueued, its function did its work, or it failed."""

    due_at: datetime
    finished_at: datetime
    is_successful: bool
    job_id: str | None = None
    outcome: str = ""

    def to_bytes(self) -> bytes:
        """As stored."""
        return orjson.dumps(
            {
                "due": to_ms(self.due_at),
                "finished": to_ms(self.finished_at),
                "ok": self.is_successful,
                "job": self.job_id,
                "outcome": self.outcome,
            }
        )

    @classmethod
    def from_bytes(cls, raw: bytes) -> LastRun:
        """Read back ``to_bytes``."""
        stored = orjson.loads(raw)
        finished = from_ms(stored["finished"])
        return cls(from_ms(stored["due"]), finished, stored["ok"], stored["job"], stored["outcome"])


def run_job_id(queue: Queue, schedule_id: str, due_at: datetime) -> str:
    """``reports-schedule-liability-report-20261130T011500.000Z``."""
    stamp = due_at.strftime("%Y%m%dT%H%M%S.") + f"{due_at.microsecond // 1000:03d}Z"
    return f"{POLICIES[queue].folder}-schedule-{schedule_id}-{stamp}"


def _work_to_json(work: Work) -> Json:
    if isinstance(work, Housekeeping):
        return {"housekeeping": work.name}
    return {
        "queue": work.queue.value,
        "name": work.name,
        "data": work.data,
        "version": work.version,
        "options": work.options,
    }


def _work_from_json(stored: Json) -> Work:
    if "housekeeping" in stored:
        return Housekeeping(stored["housekeeping"])
    queue = Queue(stored["queue"])
    return ScheduledJob(queue, stored["name"], stored["data"], stored["version"], stored["options"])
