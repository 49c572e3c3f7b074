"""The rows of bulk operations: who works on which, and what became of each job.

A process works on an operation under a lease; every write checks that it still has it, in the transaction that writes.
So several schedulers do no harm, and one that was away too long changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import and_, case, func, literal, or_, select, update
from sqlalchemy.orm import Session

from gateway.bulk.acting import Result
from shared.database import Database
from shared.database.base import utc_now
from shared.database.bulk import insert_missing, update_many
from shared.database.models import ArchivedJob, BulkAction, BulkItem, BulkOperation, BulkOutcome, BulkState
from shared.database.rows import affected

LEASE_MS = 30_000
UNDO_MS = 3_600_000
"""How long the records of removed jobs are kept."""
RATE_OVER = 1_000
"""The newest jobs that an error rate is taken of."""

_ACTIVE = (BulkState.RUNNING, BulkState.UNDOING)
_COUNTERS = {
    BulkOutcome.DONE: "done",
    BulkOutcome.REFUSED: "refused",
    BulkOutcome.RESTORED: "restored",
    BulkOutcome.LOST: "lost",
}


class LeaseLost(Exception):
    """Another process works on the operation now, or somebody stopped it."""


def claim(database: Database, now_ms: int) -> BulkOperation | None:
    """Take the operation that waits longest for somebody to work on it; None if none does."""
    is_free = and_(
        BulkOperation.state.in_(_ACTIVE), BulkOperation.lease_until_ms <= now_ms, BulkOperation.next_ms <= now_ms
    )
    with database.session() as tx:
        oldest = select(BulkOperation.id).where(is_free).order_by(BulkOperation.lease_until_ms, BulkOperation.id)
        operation_id = tx.scalars(oldest.limit(1)).first()
        if operation_id is None:
            return None
        lease = {"lease_token": uuid4().hex, "lease_until_ms": now_ms + LEASE_MS}
        # Whoever else chose it waits here for the row, and then doesn't find it free.
        taken = tx.execute(update(BulkOperation).where(BulkOperation.id == operation_id, is_free).values(lease))
        return tx.get(BulkOperation, operation_id, populate_existing=True) if affected(taken) else None


def release(database: Database, operation: BulkOperation, now_ms: int) -> None:
    """Let others have the operation."""
    mine = and_(BulkOperation.id == operation.id, BulkOperation.lease_token == operation.lease_token)
    with database.session() as tx:
        tx.execute(update(BulkOperation).where(mine).values(lease_token=None, lease_until_ms=now_ms))


def begin(
    database: Database, operation: BulkOperation, jobs: Sequence[Result], place: Any, next_ms: int, now_ms: int
) -> list[Result]:
    """Note that these jobs will be acted on now; returns those that the operation has not met before."""
    with database.session() as tx:
        row = _held(tx, operation, now_ms)
        row.place, row.next_ms = place, next_ms
        rows = [
            {
                "operation_id": row.id,
                "job_id": job.job_id,
                "outcome": job.outcome,
                "why": job.why,
                "at_ms": now_ms,
                "record": job.record,
            }
            for job in jobs
        ]
        new = {job_id for (job_id,) in insert_missing(tx, BulkItem, rows, ["job_id"])}
        row.refused += sum(job.outcome is BulkOutcome.REFUSED for job in jobs if job.job_id in new)
    return [job for job in jobs if job.job_id in new and job.outcome is BulkOutcome.ACTING]


def finish(database: Database, operation: BulkOperation, results: Sequence[Result], now_ms: int) -> None:
    """Note what became of jobs."""
    with database.session() as tx:
        row = _held(tx, operation, now_ms)
        rows = [
            {
                "operation_id": row.id,
                "job_id": result.job_id,
                "outcome": result.outcome,
                "why": result.why,
                "record": result.record,
            }
            for result in results
        ]
        update_many(tx, BulkItem, ["operation_id", "job_id"], rows)
        for result in results:
            counter = _COUNTERS[result.outcome]
            setattr(row, counter, getattr(row, counter) + 1)


def end(database: Database, operation: BulkOperation, state: BulkState, now_ms: int, why: str | None = None) -> None:
    """Close the operation."""
    with database.session() as tx:
        row = _held(tx, operation, now_ms)
        row.state, row.finished_at = state, utc_now()
        row.stop_reason = why or row.stop_reason


def items(database: Database, operation: BulkOperation, outcome: BulkOutcome, most: int) -> list[Result]:
    """Some jobs with that outcome; of those done only the ones whose record is there."""
    query = select(BulkItem).where(BulkItem.operation_id == operation.id, BulkItem.outcome == outcome)
    if outcome is BulkOutcome.DONE:
        query = query.where(BulkItem.record.is_not(None))
    with database.reader() as tx:
        rows = tx.scalars(query.order_by(BulkItem.job_id).limit(most))
        return [Result(row.job_id, row.outcome, row.why, row.record) for row in rows]


def error_rate(database: Database, operation: BulkOperation) -> tuple[int, float]:
    """How many of the newest jobs were acted on, and the share that was refused, or failed again after a retry."""
    newest = (
        select(BulkItem.job_id, BulkItem.outcome, BulkItem.at_ms)
        .where(BulkItem.operation_id == operation.id, BulkItem.outcome != BulkOutcome.ACTING)
        .order_by(BulkItem.at_ms.desc())
        .limit(RATE_OVER)
        .subquery()
    )
    failed_again = and_(
        literal(operation.action is BulkAction.RETRY),
        ArchivedJob.job_id == newest.c.job_id,
        ArchivedJob.state == "failed",
        ArchivedJob.event_ms > newest.c.at_ms,
    )
    is_bad = or_(newest.c.outcome == BulkOutcome.REFUSED, ArchivedJob.job_id.is_not(None))
    query = select(func.count(), func.coalesce(func.sum(case((is_bad, 1), else_=0)), 0)).select_from(
        newest.outerjoin(ArchivedJob, failed_again)
    )
    with database.reader() as tx:
        acted, bad = tx.execute(query).one()
    return int(acted), int(bad) / acted if acted else 0.0


def forget_records(database: Database, now_ms: int) -> int:
    """Drop the records of jobs that were removed more than an hour ago; an undo under way keeps its own."""
    undoing = select(BulkOperation.id).where(BulkOperation.state == BulkState.UNDOING)
    old = and_(BulkItem.record.is_not(None), BulkItem.at_ms < now_ms - UNDO_MS, BulkItem.operation_id.not_in(undoing))
    with database.session() as tx:
        forgetting = update(BulkItem).where(old).values(record=None)
        return affected(tx.execute(forgetting.execution_options(synchronize_session=False)))


def _held(tx: Session, operation: BulkOperation, now_ms: int) -> BulkOperation:
    row = tx.get(BulkOperation, operation.id, with_for_update=True, populate_existing=True)
    if row is None or row.lease_token != operation.lease_token or row.state is not operation.state:
        raise LeaseLost
    row.lease_until_ms = now_ms + LEASE_MS
    return row
