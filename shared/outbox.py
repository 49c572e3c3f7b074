"""The outbox: jobs that go with rows are written with them and enqueued after their commit.

A row's job id is derived from its parent's id and the step that asks for it, so
that a repeated parent asks for the same job. Enqueueing is idempotent by id:
publishing a row twice (the process died before it was marked, or two relays met)
makes one job. What a dead process left behind, the ``Relay`` publishes.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from shared.broker.flow import FlowPlace
from shared.broker.options import MAX_JOB_ID_LENGTH, JobOptions, NewJob, check_job_id
from shared.database.base import utc_now
from shared.database.bulk import insert_missing
from shared.database.models import OutboxJob
from shared.database.rows import affected, insert_new
from shared.database.session import Database
from shared.errors import InvalidOption
from shared.queues import POLICIES, Queue

BATCH = 500
MOST_COUNTED = 10_000
RELAY_AFTER = timedelta(seconds=1)
"""Younger rows are still being published by the process that wrote them."""

_ADDED = "doko_outbox"
_FLOW = "flow"
"""Beside the options of a job that belongs to a flow: its place there."""

_UNPUBLISHED = OutboxJob.published_at.is_(None) & OutboxJob.refused_at.is_(None)

logger = logging.getLogger(__name__)


class Enqueues(Protocol):
    """What the outbox needs of the broker."""

    def add_many(self, jobs: Sequence[NewJob]) -> Any:
        """Enqueue all jobs, or raise."""


def derived_job_id(queue: Queue, parent_id: str, step: str) -> str:
    """The id of the job that ``step`` of ``parent_id`` asks for: ``<folder>-<parent id>-<step>``.

    A chain of jobs makes long ids; one over the engine's limit has the parent's hash instead.
    """
    folder = POLICIES[queue].folder
    job_id = f"{folder}-{parent_id}-{step}"
    if len(job_id) <= MAX_JOB_ID_LENGTH:
        return job_id
    digest = hashlib.sha256(f"{parent_id}\n{step}".encode()).hexdigest()[:32]
    return f"{folder}-{digest}-{step}"[:MAX_JOB_ID_LENGTH]


def add(tx: Session, parent_id: str, step: str, job: NewJob) -> str:
    """Write ``job`` in the caller's transaction and return its id, to be published after the commit.

    ``parent_id`` is the asking job's id (or a request's), ``step`` names the job among those it
    asks for. Adding the same step again changes nothing.
    """
    row = _row(parent_id, step, job)
    insert_new(tx, OutboxJob, row)
    job_id: str = row["job_id"]
    added(tx).append(job_id)
    return job_id


def add_many(tx: Session, parent_id: str, jobs: Mapping[str, NewJob]) -> None:
    """As ``add``, for many jobs by their steps in one statement."""
    rows = [_row(parent_id, step, job) for step, job in jobs.items()]
    insert_missing(tx, OutboxJob, rows, ["job_id"])
    added(tx).extend(row["job_id"] for row in rows)


def _row(parent_id: str, step: str, job: NewJob) -> dict[str, Any]:
    job_id = derived_job_id(job.queue, parent_id, step)
    check_job_id(job_id)
    options = job.options.to_json()
    options.pop("jobId", None)
    if job.flow is not None:
        options[_FLOW] = job.flow.to_json()
    return {
        "job_id": job_id,
        "queue": job.queue,
        "name": job.name,
        "version": job.version,
        "data": job.data,
        "options": options,
        "created_at": utc_now(),
    }


def added(tx: Session) -> list[str]:
    """The ids of the jobs added in this session so far: what to ``publish`` after the commit."""
    ids: list[str] = tx.info.setdefault(_ADDED, [])
    return ids


def publish(database: Database, broker: Enqueues, job_ids: Sequence[str]) -> int:
    """Enqueue these rows right after their commit; returns how many were published now.

    Raises what the broker raises; the rows then stay for the relay.
    """
    if not job_ids:
        return 0
    query = select(OutboxJob).where(OutboxJob.job_id.in_(job_ids), _UNPUBLISHED).order_by(OutboxJob.id)
    return _publish(database, broker, query)


def publish_pending(database: Database, broker: Enqueues, limit: int = BATCH, *, age: timedelta = RELAY_AFTER) -> int:
    """Enqueue up to ``limit`` rows that are older than ``age``, oldest first; returns how many were published."""
    query = (
        select(OutboxJob)
        .where(_UNPUBLISHED, OutboxJob.created_at <= utc_now() - age)
        .order_by(OutboxJob.id)
        .limit(limit)
    )
    return _publish(database, broker, query)


def pending(tx: Session) -> tuple[int, float]:
    """How many jobs wait to be enqueued, counted up to 10,000, and the age of the oldest in seconds (0 if none)."""
    waiting = select(OutboxJob.id).where(_UNPUBLISHED).limit(MOST_COUNTED).subquery()
    count = tx.scalar(select(func.count()).select_from(waiting)) or 0
    oldest = tx.scalar(select(OutboxJob.created_at).where(_UNPUBLISHED).order_by(OutboxJob.id).limit(1))
    return count, 0.0 if oldest is None else max((utc_now() - oldest).total_seconds(), 0.0)


class Relay:
    """Publishes what processes that died between commit and publish left behind; several may run at once."""

    def __init__(
        self, database: Database, broker: Enqueues, *, batch: int = BATCH, age: timedelta = RELAY_AFTER
    ) -> None:
        self._database = database
        self._broker = broker
        self._batch = batch
        self._age = age

    def run_once(self) -> int:
        """Publish all rows that are due, in batches; returns how many. Raises what the broker raises."""
        total = 0
        while True:
            published = publish_pending(self._database, self._broker, self._batch, age=self._age)
            total += published
            if published < self._batch:
                return total


def _publish(database: Database, broker: Enqueues, query: Select[OutboxJob]) -> int:
    if database.is_sqlite:
        # Reading takes no lock: Redis' latency must not hold up all writers. A relay that meets
        # another here publishes the same ids, which makes no second job.
        with database.reader() as tx:
            rows = tx.scalars(query).all()
        refusals = _enqueue(broker, rows)
        with database.session() as tx:
            return _mark(tx, rows, refusals)
    with database.session() as tx:
        rows = tx.scalars(query.with_for_update(skip_locked=True)).all()
        return _mark(tx, rows, _enqueue(broker, rows))


def _enqueue(broker: Enqueues, rows: Sequence[OutboxJob]) -> dict[int, str]:
    """Enqueue ``rows``; what the engine refuses for good comes back as row id to reason."""
    refusals: dict[int, str] = {}
    jobs: dict[int, NewJob] = {}
    for row in rows:
        try:
            jobs[row.id] = _new_job(row)
        except InvalidOption as error:
            refusals[row.id] = str(error)
    if jobs:
        try:
            broker.add_many(list(jobs.values()))
        except InvalidOption:
            refusals |= _enqueue_singly(broker, jobs)
    return refusals


def _enqueue_singly(broker: Enqueues, jobs: dict[int, NewJob]) -> dict[int, str]:
    """Find the row that spoils its batch, so that the others don't wait behind it for ever."""
    refusals: dict[int, str] = {}
    for row_id, job in jobs.items():
        try:
            broker.add_many([job])
        except InvalidOption as error:
            refusals[row_id] = str(error)
    return refusals


def _new_job(row: OutboxJob) -> NewJob:
    stored = dict(row.options)
    place = stored.pop(_FLOW, None)
    options = JobOptions.from_json({**stored, "jobId": row.job_id})
    flow = None if place is None else FlowPlace.from_json(place)
    return NewJob(row.queue, row.name, row.data, row.version, options, flow)


def _mark(tx: Session, rows: Sequence[OutboxJob], refusals: dict[int, str]) -> int:
    """Note what became of ``rows``; returns how many are published by this call."""
    now = utc_now()
    for row in rows:
        if row.id in refusals:
            logger.error("outbox job %s refused by the engine: %s", row.job_id, refusals[row.id])
            values = {"refused_at": now, "refusal": refusals[row.id]}
            tx.execute(update(OutboxJob).where(OutboxJob.id == row.id, _UNPUBLISHED).values(values))
    accepted = [row.id for row in rows if row.id not in refusals]
    if not accepted:
        return 0
    query = update(OutboxJob).where(OutboxJob.id.in_(accepted), _UNPUBLISHED).values(published_at=now)
    return affected(tx.execute(query, execution_options={"synchronize_session": False}))
