"""Flows as they stand: the state of each job and of the whole, page by page; and cancelling one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from shared.broker.flow import OnFailure
from shared.broker.states import State
from shared.database.archive_reader import DatabaseArchive
from shared.database.base import utc_now
from shared.database.models import Flow, OutboxJob
from shared.database.session import Database
from shared.errors import FlowNotFound, JobNotFound, WrongState
from shared.job_listing import read_jobs
from shared.job_records import Job
from shared.job_store import JobStore
from shared.queues import Queue

CANCELLED = "the flow was cancelled"


@dataclass(frozen=True, slots=True)
class JobView:
    """One job of a flow; ``job`` is None until it is enqueued."""

    key: str
    id: str
    queue: Queue
    name: str
    depends_on: tuple[str, ...]
    on_failure: OnFailure
    job: Job | None

    @property
    def state(self) -> State | None:
        """Where the job stands, None until it is enqueued."""
        return None if self.job is None else self.job.state

    @property
    def is_finished(self) -> bool:
        """Whether the job has come to its end."""
        return self.state is not None and self.state.is_finished


@dataclass(frozen=True, slots=True)
class FlowView:
    """A flow with its jobs, those that wait before those they wait for."""

    id: str
    name: str | None
    created_by: str
    created_at: datetime
    cancelled_at: datetime | None
    jobs: Sequence[JobView]

    @property
    def completed(self) -> int:
        """How many jobs have completed."""
        return sum(job.state is State.COMPLETED for job in self.jobs)

    @property
    def finished(self) -> int:
        """How many jobs have ended in any way."""
        return sum(job.is_finished for job in self.jobs)

    @property
    def state(self) -> str:
        """``running`` while any job is unfinished, then ``failed`` or ``cancelled`` if any is, else ``completed``."""
        states = {job.state for job in self.jobs}
        if not all(job.is_finished for job in self.jobs):
            return "cancelled" if self.cancelled_at is not None and states <= _ENDED_OR_NEVER else "running"
        return next((state.value for state in (State.FAILED, State.CANCELLED) if state in states), "completed")


_ENDED_OR_NEVER = {State.COMPLETED, State.FAILED, State.CANCELLED, None}
"""A cancelled flow's jobs that were not enqueued yet never will be."""


@dataclass(frozen=True, slots=True)
class FlowPage:
    """Flows, newest first, and the id after which the next page begins (None at the end)."""

    flows: list[FlowView]
    cursor: str | None


class FlowStore:
    """Reads and cancels flows. Raises ``RedisUnavailable`` and what the database raises."""

    def __init__(self, database: Database, store: JobStore, client: Any) -> None:
        self._database = database
        self._store = store
        self._client = client
        self._archive = DatabaseArchive(database)

    def flow(self, flow_id: str) -> FlowView:
        """One flow. Raises ``FlowNotFound``."""
        with self._database.reader() as tx:
            row = tx.get(Flow, flow_id)
        if row is None:
            raise FlowNotFound(f"no flow has the id {flow_id[:64]!r}")
        return self._views([row])[0]

    def flows(self, cursor: str | None = None, limit: int = 20) -> FlowPage:
        """A page of flows, newest first; ``cursor`` is the id of the last one seen. Raises ``FlowNotFound`` for it."""
        query = select(Flow).order_by(Flow.created_at.desc(), Flow.id.desc()).limit(limit + 1)
        with self._database.reader() as tx:
            if cursor is not None:
                last = tx.get(Flow, cursor)
                if last is None:
                    raise FlowNotFound(f"no flow has the id {cursor[:64]!r}")
                query = query.where(tuple_(Flow.created_at, Flow.id) < tuple_(last.created_at, last.id))
            rows = list(tx.scalars(query))
        shown = rows[:limit]
        return FlowPage(self._views(shown), shown[-1].id if len(rows) > limit else None)

    def cancel(self, tx: Session, flow_id: str, by: str, why: str = "") -> None:
        """Cancel what is unfinished, those that wait first; running jobs are told to stop. Raises ``FlowNotFound``.

        Until ``tx`` ends, no other process enqueues what was not enqueued yet; on SQLite one that has begun to may.
        """
        ids = [job.id for job in self.flow(flow_id).jobs]
        now = utc_now()
        unpublished = OutboxJob.published_at.is_(None) & OutboxJob.refused_at.is_(None)
        tx.execute(update(Flow).where(Flow.id == flow_id, Flow.cancelled_at.is_(None)).values(cancelled_at=now))
        never = update(OutboxJob).where(OutboxJob.job_id.in_(ids), unpublished)
        tx.execute(never.values(refused_at=now, refusal=CANCELLED), execution_options=_UNSYNCHRONIZED)
        for job_id in ids:
            self._cancel(job_id, by, why)

    def _cancel(self, job_id: str, by: str, why: str) -> None:
        try:
            self._store.cancel(job_id, by, why or CANCELLED)
        except (JobNotFound, WrongState):
            return  # it is not there, or it has ended: nothing to cancel

    def _views(self, rows: Sequence[Flow]) -> list[FlowView]:
        jobs = self._jobs(each for row in rows for each in row.jobs)
        return [_view(row, jobs) for row in rows]

    def _jobs(self, described: Iterable[Mapping[str, Any]]) -> dict[str, Job]:
        """What is known of these jobs: a round trip a queue, then one query for those that Redis has forgotten."""
        by_queue: dict[Queue, list[str]] = {}
        for each in described:
            by_queue.setdefault(Queue(each["queue"]), []).append(each["id"])
        found: dict[str, Job] = {}
        for queue, ids in by_queue.items():
            found |= {job.id: job for job in read_jobs(self._client, queue, ids)}
        missing = [job_id for ids in by_queue.values() for job_id in ids if job_id not in found]
        if missing:
            found |= self._archive.jobs_by_id(missing)
        return found


_UNSYNCHRONIZED = {"synchronize_session": False}


def _view(row: Flow, jobs: Mapping[str, Job]) -> FlowView:
    return FlowView(
        row.id,
        row.name,
        row.created_by,
        row.created_at,
        row.cancelled_at,
        [
            JobView(
                key=each["key"],
                id=each["id"],
                queue=Queue(each["queue"]),
                name=each["name"],
                depends_on=tuple(each["dependsOn"]),
                on_failure=OnFailure(each["onDependencyFailure"]),
                job=jobs.get(each["id"]),
            )
            for each in row.jobs
        ],
    )
