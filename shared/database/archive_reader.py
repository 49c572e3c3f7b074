"""Archived jobs and events as the job store shows them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import or_, select

from shared.broker.flow import flow_in
from shared.broker.states import State
from shared.database.bulk import among, plain_order
from shared.database.models.engine import ArchivedJob, JobEventRow
from shared.database.session import Database
from shared.job_records import Job, JobEvent
from shared.queues import Queue

MAX_PAGE = 500
MOST_EVENTS = 10_000


class DatabaseArchive:
    """The job store's ``JobArchive``: what Redis has forgotten is answered from here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def job(self, job_id: str) -> Job | None:
        """The job as it last finished, or None."""
        with self._database.reader() as tx:
            row = tx.get(ArchivedJob, job_id)
            return None if row is None or row.removed_ms is not None else _job(row)

    def jobs(self, queue: Queue, state: State, *, before_ms: int | None = None, limit: int = 50) -> list[Job]:
        """Finished jobs of a queue, newest first, at most ``limit`` (up to 500).

        ``before_ms`` continues after a page: jobs that finished before that time.
        """
        query = select(ArchivedJob).where(ArchivedJob.queue == queue, ArchivedJob.state == state.value)
        query = query.where(ArchivedJob.removed_ms.is_(None))
        if before_ms is not None:
            query = query.where(ArchivedJob.finished_at_ms < before_ms)
        query = query.order_by(ArchivedJob.finished_at_ms.desc()).limit(max(1, min(limit, MAX_PAGE)))
        with self._database.reader() as tx:
            return [_job(row) for row in tx.scalars(query)]

    def jobs_by_id(self, job_ids: Collection[str]) -> dict[str, Job]:
        """Those of these jobs that the archive knows, by id."""
        with self._database.reader() as tx:
            query = select(ArchivedJob).where(among(tx, ArchivedJob.job_id, job_ids), ArchivedJob.removed_ms.is_(None))
            return {row.job_id: _job(row) for row in tx.scalars(query)}

    def ended(
        self, queue: Queue, state: State, before: tuple[int, str] | None, until_ms: int | None, limit: int
    ) -> list[tuple[str, int]]:
        """Ids of jobs that ended in this state and when, newest first, behind ``before``: (when, id)."""
        at = ArchivedJob.finished_at_ms
        with self._database.reader() as tx:
            job_id = plain_order(tx, ArchivedJob.job_id)
            query = select(ArchivedJob.job_id, at).where(ArchivedJob.queue == queue, ArchivedJob.state == state.value)
            query = query.where(ArchivedJob.removed_ms.is_(None))
            if until_ms is not None:
                query = query.where(at <= until_ms)
            if before is not None:
                query = query.where(at <= before[0], or_(at < before[0], job_id < before[1]))
            rows = tx.execute(query.order_by(at.desc(), job_id.desc()).limit(limit))
            return [(row.job_id, row.finished_at_ms) for row in rows]

    def events(self, job_id: str) -> list[JobEvent]:
        """The job's archived events, oldest first, the first 10,000."""
        query = (
            select(JobEventRow)
            .where(JobEventRow.job_id == job_id)
            .order_by(JobEventRow.at_ms, JobEventRow.seq)
            .limit(MOST_EVENTS)
        )
        with self._database.reader() as tx:
            return [_event(row) for row in tx.scalars(query)]


def _event(row: JobEventRow) -> JobEvent:
    return JobEvent(
        at_ms=row.at_ms,
        event=row.event,
        job_id=row.job_id or "",
        fields=row.fields,
        stream_id=f"{row.at_ms}-{row.seq}",
    )


def _job(row: ArchivedJob) -> Job:
    rest: dict[str, Any] = row.rest
    return Job(
        id=row.job_id,
        queue=row.queue,
        name=row.name,
        state=State(row.state),
        attempt=row.attempt,
        attempts=row.attempts,
        data=row.data,
        version=row.version,
        options=row.options,
        result=row.result,
        errors=row.errors,
        progress=rest.get("progress"),
        created_at_ms=row.created_at_ms or 0,
        started_at_ms=row.started_at_ms,
        finished_at_ms=row.finished_at_ms,
        stalls=int(rest.get("stalls") or 0),
        released_ms=int(rest.get("releasedMs") or 0),
        deduplication_key=rest.get("deduplicationKey"),
        flow=flow_in(rest),
    )
