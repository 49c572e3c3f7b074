"""Starting, stopping and undoing bulk operations, and looking at them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.bulk.records import UNDO_MS
from gateway.bulk.requests import BulkOrder
from gateway.bulk.trial import Trial
from gateway.errors import Problem
from shared.database import Database
from shared.database.base import utc_now
from shared.database.models import BulkAction, BulkItem, BulkOperation, BulkOutcome, BulkState
from shared.job_filter import JobFilter

TOLD = 100
"""Refused jobs that are named, with why."""


def start(tx: Session, order: BulkOrder, wanted: JobFilter, trial: Trial, by: str) -> BulkOperation:
    """Note the operation; the scheduler takes it from here."""
    operation = BulkOperation(
        action=order.action,
        filter=str(wanted),
        target=order.queue,
        reason=order.reason,
        requested_by=by[:64],
        per_minute=order.per_minute,
        max_error_percent=round(order.max_error_rate * 100),
        expected=trial.matched if trial.is_complete else None,
        started_ms=trial.started_ms,
    )
    tx.add(operation)
    tx.flush()
    return operation


def operations(database: Database, before: int | None, limit: int) -> Sequence[BulkOperation]:
    """Operations, newest first."""
    query = select(BulkOperation).order_by(BulkOperation.id.desc()).limit(limit)
    if before is not None:
        query = query.where(BulkOperation.id < before)
    with database.reader() as tx:
        return tx.scalars(query).all()


def operation_with(database: Database, operation_id: int) -> tuple[BulkOperation, Sequence[BulkItem], int]:
    """One operation, jobs of it that were refused or lost with why, and how many could be restored now.

    Raises Problem 404.
    """
    with database.reader() as tx:
        operation = tx.get(BulkOperation, operation_id)
        if operation is None:
            raise _unknown(operation_id)
        is_bad = BulkItem.outcome.in_((BulkOutcome.REFUSED, BulkOutcome.LOST))
        of_it = BulkItem.operation_id == operation_id
        told = tx.scalars(select(BulkItem).where(of_it, is_bad).order_by(BulkItem.job_id).limit(TOLD)).all()
        kept = select(func.count()).where(of_it, BulkItem.outcome == BulkOutcome.DONE, BulkItem.record.is_not(None))
        return operation, told, tx.execute(kept).scalar_one()


def stop(tx: Session, operation_id: int, by: str, why: str) -> BulkOperation:
    """Stop a running operation; what it is doing at this moment is finished. Raises Problem 404 or 409."""
    operation = tx.get(BulkOperation, operation_id, with_for_update=True)
    if operation is None:
        raise _unknown(operation_id)
    if operation.state is not BulkState.RUNNING:
        raise Problem(409, f"Bulk operation {operation_id} is {operation.state}, not running", code="wrong_state")
    operation.state, operation.finished_at = BulkState.STOPPED, utc_now()
    operation.stop_reason = f"stopped by {by}" + (f": {why}" if why else "")
    return operation


def undo(tx: Session, operation_id: int, now_ms: int) -> BulkOperation:
    """Have the jobs that an operation removed brought back, as far as that is less than an hour ago.

    Raises Problem 404, or 409 if it removed nothing, is still at work, or was too long ago.
    """
    operation = tx.get(BulkOperation, operation_id, with_for_update=True)
    if operation is None:
        raise _unknown(operation_id)
    if operation.action is not BulkAction.REMOVE:
        raise Problem(409, f"Only removals can be undone; this is a {operation.action}", code="wrong_state")
    if operation.state in {BulkState.RUNNING, BulkState.UNDOING}:
        words = f"Bulk operation {operation_id} is {operation.state}; stop it first, or wait"
        raise Problem(409, words, code="wrong_state")
    kept = (
        BulkItem.operation_id == operation_id,
        BulkItem.record.is_not(None),
        BulkItem.outcome == BulkOutcome.DONE,
        BulkItem.at_ms >= now_ms - UNDO_MS,
    )
    if tx.scalars(select(BulkItem.job_id).where(*kept).limit(1)).first() is None:
        words = "It removed no job within the last hour; older removals are for good"
        raise Problem(409, words, code="too_late")
    operation.state, operation.finished_at, operation.next_ms = BulkState.UNDOING, None, 0
    return operation


def _unknown(operation_id: int) -> Problem:
    return Problem(404, f"No bulk operation has the id {operation_id}", code="unknown_operation")
