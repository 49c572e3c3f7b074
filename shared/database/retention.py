"""How long rows that nobody works with any more are kept, and their removal.

Rows go in batches, each a transaction of its own: a long DELETE would hold the
write lock of SQLite, and rows locked on PostgreSQL, for as long as it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from sqlalchemy import Delete, delete, select, tuple_, update

from shared.database.base import utc_now
from shared.database.job_index import job_names
from shared.database.models import (
    ArchivedJob,
    AuditChain,
    BulkItem,
    BulkOperation,
    BulkState,
    DraftRequest,
    Flow,
    JobEventRow,
    JobIndexRow,
    JobMinute,
    OutboxJob,
    ProcessedJob,
    WhatsAppReceipt,
)
from shared.database.rows import affected
from shared.database.session import Database
from shared.queues import Queue

BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Retention:
    """Ages after which rows go.

    Claims must outlive every possible redelivery: a job delayed for a year and delivered
    twice is still delivered within minutes, so a month is ample.
    """

    archive: timedelta = timedelta(days=365)
    claims: timedelta = timedelta(days=30)
    published: timedelta = timedelta(days=7)
    receipts: timedelta = timedelta(days=90)
    bulk: timedelta = timedelta(days=90)
    draft_requests: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows went."""

    job_events: int = 0
    archived_jobs: int = 0
    job_index: int = 0
    job_minutes: int = 0
    processed_jobs: int = 0
    outbox: int = 0
    receipts: int = 0
    bulk_items: int = 0
    draft_requests: int = 0
    flows: int = 0


def remove_expired(database: Database, retention: Retention | None = None, *, now: datetime | None = None) -> Removed:
    """Remove what is older than ``retention`` says; safe to run beside everything else, and twice at once."""
    keep = retention or Retention()
    instant = now or utc_now()
    return Removed(
        job_events=sum(_remove_events(database, queue, _ms(instant - keep.archive)) for queue in Queue),
        archived_jobs=_remove_archived(database, _ms(instant - keep.archive)),
        job_index=_remove_index(database, _ms(instant - keep.archive)),
        job_minutes=_remove_minutes(database, _ms(instant - keep.archive)),
        processed_jobs=_remove_claims(database, instant - keep.claims),
        outbox=_remove_published(database, instant - keep.published),
        receipts=_remove_receipts(database, instant - keep.receipts),
        draft_requests=_remove_draft_requests(database, instant - keep.draft_requests),
        flows=_remove_flows(database, instant - keep.archive),
        bulk_items=_remove_bulk(database, instant - keep.bulk),
    )


def remove_archive_older_than(database: Database, days: int, *, now: datetime | None = None) -> Removed:
    """Remove archived jobs and events that are more than ``days`` days old."""
    before_ms = _ms((now or utc_now()) - timedelta(days=days))
    return Removed(
        job_events=sum(_remove_events(database, queue, before_ms) for queue in Queue),
        archived_jobs=_remove_archived(database, before_ms),
        job_index=_remove_index(database, before_ms),
        job_minutes=_remove_minutes(database, before_ms),
    )


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _remove_events(database: Database, queue: Queue, before_ms: int) -> int:
    return _remove_unchained(database, queue, before_ms) + _remove_chained(database, queue, before_ms)


def _remove_chained(database: Database, queue: Queue, before_ms: int) -> int:
    """Shorten the chain from its beginning, up to the first event that is younger; its anchor moves along."""
    removed = 0
    while True:
        with database.session() as tx:
            query = select(AuditChain.anchor_seq).where(AuditChain.name == queue.value).with_for_update()
            anchor = tx.scalar(query)
            if anchor is None:
                return removed
            mine = (JobEventRow.queue == queue, JobEventRow.chain_seq > anchor)
            first = select(JobEventRow.at_ms, JobEventRow.chain_seq, JobEventRow.chain_hash).where(*mine)
            rows = tx.execute(first.order_by(JobEventRow.chain_seq).limit(BATCH)).all()
            old = list(takewhile(lambda row: row.at_ms < before_ms, rows))
            if not old:
                return removed
            last = old[-1]
            gone = delete(JobEventRow).where(*mine, JobEventRow.chain_seq <= last.chain_seq)
            removed += affected(tx.execute(gone.execution_options(synchronize_session=False)))
            moved = update(AuditChain).where(AuditChain.name == queue.value)
            tx.execute(moved.values(anchor_seq=last.chain_seq, anchor_hash=last.chain_hash))


def _remove_unchained(database: Database, queue: Queue, before_ms: int) -> int:
    """Rows older than the chain, along the primary key: each batch is a range, so no event is looked at twice."""
    old = (
        select(JobEventRow.at_ms)
        .where(JobEventRow.queue == queue, JobEventRow.at_ms < before_ms, JobEventRow.chain_seq.is_(None))
        .order_by(JobEventRow.at_ms)
        .limit(BATCH)
    )
    removed = 0
    while True:
        with database.session() as tx:
            instants = tx.scalars(old).all()
            if not instants:
                return removed
            query = delete(JobEventRow).where(
                JobEventRow.queue == queue, JobEventRow.at_ms <= instants[-1], JobEventRow.chain_seq.is_(None)
            )
            removed += affected(tx.execute(query.execution_options(synchronize_session=False)))


def _remove_archived(database: Database, before_ms: int) -> int:
    old = select(ArchivedJob.job_id).where(ArchivedJob.finished_at_ms < before_ms).limit(BATCH)
    return _repeat(database, delete(ArchivedJob).where(ArchivedJob.job_id.in_(old)))


def _remove_index(database: Database, before_ms: int) -> int:
    """The key begins with the name, so each name has its old end."""
    with database.reader() as tx:
        names = tx.scalars(job_names()).all()
    key = (JobIndexRow.name, JobIndexRow.created_ms, JobIndexRow.job_id, JobIndexRow.place)
    removed = 0
    for name in names:
        old = select(*key).where(JobIndexRow.name == name, JobIndexRow.created_ms < before_ms).limit(BATCH)
        removed += _repeat(database, delete(JobIndexRow).where(tuple_(*key).in_(old)))
    return removed


def _remove_minutes(database: Database, before_ms: int) -> int:
    key = (JobMinute.queue, JobMinute.minute_ms, JobMinute.event)
    old = select(*key).where(JobMinute.minute_ms < before_ms).limit(BATCH)
    return _repeat(database, delete(JobMinute).where(tuple_(*key).in_(old)))


def _remove_claims(database: Database, before: datetime) -> int:
    old = select(ProcessedJob.job_id).where(ProcessedJob.finished_at < before).limit(BATCH)
    return _repeat(database, delete(ProcessedJob).where(ProcessedJob.job_id.in_(old)))


def _remove_published(database: Database, before: datetime) -> int:
    old = select(OutboxJob.id).where(OutboxJob.published_at < before).limit(BATCH)
    return _repeat(database, delete(OutboxJob).where(OutboxJob.id.in_(old)))


def _remove_bulk(database: Database, before: datetime) -> int:
    """The jobs of old operations, then the operations; one that is at work stays whole."""
    is_old = (BulkOperation.finished_at < before, BulkOperation.state.not_in((BulkState.RUNNING, BulkState.UNDOING)))
    key = (BulkItem.operation_id, BulkItem.job_id)
    of_old = select(*key).where(BulkItem.operation_id.in_(select(BulkOperation.id).where(*is_old))).limit(BATCH)
    removed = _repeat(database, delete(BulkItem).where(tuple_(*key).in_(of_old)))
    _repeat(
        database,
        delete(BulkOperation).where(BulkOperation.id.in_(select(BulkOperation.id).where(*is_old).limit(BATCH))),
    )
    return removed


def _remove_receipts(database: Database, before: datetime) -> int:
    key = (WhatsAppReceipt.provider, WhatsAppReceipt.provider_id, WhatsAppReceipt.state)
    old = select(*key).where(WhatsAppReceipt.received_at < before).limit(BATCH)
    return _repeat(database, delete(WhatsAppReceipt).where(tuple_(*key).in_(old)))


def _remove_flows(database: Database, before: datetime) -> int:
    old = select(Flow.id).where(Flow.created_at < before).order_by(Flow.created_at).limit(BATCH)
    return _repeat(database, delete(Flow).where(Flow.id.in_(old)))


def _remove_draft_requests(database: Database, before: datetime) -> int:
    key = (DraftRequest.owner, DraftRequest.key)
    old = select(*key).where(DraftRequest.at < before).limit(BATCH)
    return _repeat(database, delete(DraftRequest).where(tuple_(*key).in_(old)))


def _repeat(database: Database, query: Delete) -> int:
    """Run a DELETE of one batch until it finds nothing."""
    removed = 0
    while True:
        with database.session() as tx:
            count = affected(tx.execute(query.execution_options(synchronize_session=False)))
        if count == 0:
            return removed
        removed += count
