"""Event streams as the engine writes them, for the archive's tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import redis
from sqlalchemy import select

from shared.broker import keys
from shared.database import Database
from shared.database.models import ArchivedJob, JobEventRow
from shared.queues import Queue

QUEUE = Queue.WHATSAPP
STREAM = keys.events(QUEUE)
WORKER = "worker-1"


def a_record(state: str, **changes: Any) -> dict[str, Any]:
    """The job that a final event carries."""
    record = {
        "name": "message",
        "data": {"type": "GENERIC_MESSAGE", "recipient": "+9779800000000"},
        "options": {"attempts": 5},
        "v": 2,
        "createdAt": 1000,
        "startedAt": 2000,
        "finishedAt": 3000,
        "state": state,
        "attempt": 1,
        "stalls": 0,
        "releasedMs": 0,
        "progress": None,
        "errors": [],
        "result": {"success": True} if state == "completed" else None,
    }
    return record | changes


@dataclass(frozen=True, slots=True)
class Stream:
    """Writes entries to one queue's stream."""

    client: redis.Redis
    queue: Queue = QUEUE

    def add(self, event: str, job: str, *, at: str = "*", **fields: Any) -> str:
        """Append an entry and return its id."""
        entry: dict[Any, Any] = {"event": event, "job": job, **fields}
        stream_id: Any = self.client.xadd(keys.events(self.queue), entry, id=at)
        return str(stream_id.decode())

    def finish(self, job: str, state: str = "completed", *, at: str = "*", **changes: Any) -> str:
        """Append a job's final event."""
        record = json.dumps(a_record(state, **changes))
        return self.add(state, job, at=at, attempt=1, worker=WORKER, duration=12, record=record)

    def run(self, job: str) -> None:
        """Append the events of a job that runs and completes."""
        self.add("waiting", job)
        self.add("active", job, attempt=1, worker=WORKER)
        self.finish(job)

    def run_many(self, jobs: list[str]) -> None:
        """The same for many jobs, in one round trip."""
        record = json.dumps(a_record("completed"))
        with self.client.pipeline(transaction=False) as pipeline:
            for job in jobs:
                pipeline.xadd(STREAM, {"event": "waiting", "job": job})
                pipeline.xadd(STREAM, {"event": "active", "job": job, "attempt": 1, "worker": WORKER})
                pipeline.xadd(STREAM, {"event": "completed", "job": job, "attempt": 1, "record": record})
            pipeline.execute()

    @property
    def length(self) -> int:
        """How many entries wait for the archive."""
        return int(self.client.xlen(keys.events(self.queue)))


def archived_events(database: Database) -> list[tuple[str, str | None]]:
    """Event and job of every archived event, oldest first."""
    query = select(JobEventRow.event, JobEventRow.job_id).order_by(JobEventRow.at_ms, JobEventRow.seq)
    with database.reader() as tx:
        return [(event, job_id) for event, job_id in tx.execute(query)]


def archived_states(database: Database) -> dict[str, str]:
    """State of every archived job."""
    with database.reader() as tx:
        return {job.job_id: job.state for job in tx.scalars(select(ArchivedJob))}
