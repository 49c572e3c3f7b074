"""Failed jobs in groups that have one cause, as far as their errors tell."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shared.database.bulk import among
from shared.database.models.engine import ArchivedJob
from shared.fingerprints import error_type
from shared.queues import Queue

SAMPLE = 5
"""Newest jobs of a group that are named."""


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failed jobs whose errors have one fingerprint; instants are epoch ms.

    ``message``: of the newest one, unmasked. ``customers``: how many different retailers, or phones where no retailer
    is known. ``queues``: how many of each. ``job_ids``: the newest.
    """

    fingerprint: str
    type: str
    message: str
    count: int
    first_ms: int
    last_ms: int
    customers: int
    queues: dict[Queue, int]
    job_ids: tuple[str, ...]


def failure_groups(tx: Session, queue: Queue | None, since_ms: int, limit: int) -> list[FailureGroup]:
    """The largest groups of jobs that failed since then and were not retried, at most ``limit``, largest first."""
    at = ArchivedJob.finished_at_ms
    wanted = [ArchivedJob.fingerprint.is_not(None), ArchivedJob.removed_ms.is_(None), at >= since_ms]
    wanted += [] if queue is None else [ArchivedJob.queue == queue]
    count = func.count()
    rows = tx.execute(
        select(ArchivedJob.fingerprint, count, func.min(at), func.max(at), func.count(ArchivedJob.customer.distinct()))
        .where(*wanted)
        .group_by(ArchivedJob.fingerprint)
        .order_by(count.desc(), ArchivedJob.fingerprint)
        .limit(limit)
    )
    figures = {name: tuple(numbers) for name, *numbers in rows if name is not None}
    queues = _queues(tx, list(figures), wanted)
    groups = []
    for name, (failures, first_ms, last_ms, customers) in figures.items():
        kind, message, job_ids = _newest(tx, name, wanted)
        groups.append(FailureGroup(name, kind, message, failures, first_ms, last_ms, customers, queues[name], job_ids))
    return groups


def error_types(tx: Session, since_ms: int, limit: int) -> list[str]:
    """The types of errors since then, the most frequent first."""
    count = func.count()
    return [
        kind
        for (kind,) in tx.execute(
            select(ArchivedJob.error_type)
            .where(ArchivedJob.fingerprint.is_not(None), ArchivedJob.finished_at_ms >= since_ms)
            .group_by(ArchivedJob.error_type)
            .order_by(count.desc(), ArchivedJob.error_type)
            .limit(limit)
        )
        if kind is not None
    ]


def _queues(tx: Session, names: list[str], wanted: list[ColumnElement[bool]]) -> dict[str, dict[Queue, int]]:
    found: dict[str, dict[Queue, int]] = {name: {} for name in names}
    query = (
        select(ArchivedJob.fingerprint, ArchivedJob.queue, func.count())
        .where(*wanted, among(tx, ArchivedJob.fingerprint, names))
        .group_by(ArchivedJob.fingerprint, ArchivedJob.queue)
    )
    for name, queue, count in tx.execute(query):
        if name is not None:
            found[name][queue] = count
    return found


def _newest(tx: Session, name: str, wanted: list[ColumnElement[bool]]) -> tuple[str, str, tuple[str, ...]]:
    """Type and message of the newest job's error, and the newest jobs' ids."""
    query = select(ArchivedJob.job_id, ArchivedJob.errors).where(*wanted, ArchivedJob.fingerprint == name)
    rows = tx.execute(query.order_by(ArchivedJob.finished_at_ms.desc()).limit(SAMPLE)).all()
    error = rows[0].errors[-1] if rows and rows[0].errors else {}
    return error_type(error), str(error.get("message") or ""), tuple(row.job_id for row in rows)
