"""Tables of the engine: claims, the outbox, and the archive of finished jobs and events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.base import Base, BigId, Json, JsonObject, name_of, one_of, utc_now
from shared.database.models.audit import HASH_BYTES, chain_index
from shared.queues import Queue

JOB_ID_LENGTH = 256
FINAL_STATES = ("completed", "failed", "cancelled")

_UNPUBLISHED = text("published_at is null and refused_at is null")
_PUBLISHED = text("published_at is not null")
_GROUPED: dict[str, Any] = dict.fromkeys(("postgresql_where", "sqlite_where"), text("fingerprint is not null"))


class ProcessedJob(Base):
    """A claim: the job took effect, in the transaction that wrote this row."""

    __tablename__ = "processed_jobs"

    job_id: Mapped[str] = mapped_column(String(JOB_ID_LENGTH), primary_key=True)
    queue: Mapped[Queue] = mapped_column(name_of(Queue))
    result: Mapped[JsonObject] = mapped_column(Json)
    finished_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class OutboxJob(Base):
    """A job that goes with rows: written with them, enqueued after their commit."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version_positive"),
        CheckConstraint("published_at is null or refused_at is null", name="published_or_refused"),
        CheckConstraint("(refused_at is null) = (refusal is null)", name="refusal_says_why"),
        Index("ix_outbox_unpublished", "id", postgresql_where=_UNPUBLISHED, sqlite_where=_UNPUBLISHED),
        Index("ix_outbox_published_at", "published_at", postgresql_where=_PUBLISHED, sqlite_where=_PUBLISHED),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[str] = mapped_column(String(JOB_ID_LENGTH), unique=True)
    queue: Mapped[Queue] = mapped_column(name_of(Queue))
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    data: Mapped[JsonObject]
    options: Mapped[JsonObject]
    """Job options as the API writes them, camelCase; the id stands in ``job_id``."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    published_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    """When the engine called the row itself wrong: no later try can help, the log names it."""
    refusal: Mapped[str | None] = mapped_column(Text)


class JobEventRow(Base):
    """One entry of a queue's event stream; ``at_ms`` and ``seq`` are its stream id."""

    __tablename__ = "job_events"
    __table_args__ = (
        CheckConstraint("at_ms >= 0 and seq >= 0", name="position_positive"),
        CheckConstraint("(chain_seq is null) = (chain_hash is null)", name="chain_whole"),
        Index(None, "job_id", "at_ms", "seq"),
        chain_index("job_events", "queue"),
    )

    queue: Mapped[Queue] = mapped_column(name_of(Queue), primary_key=True)
    at_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    job_id: Mapped[str | None] = mapped_column(String(JOB_ID_LENGTH))
    """Null for what concerns the queue: paused, resumed, cleaned."""
    event: Mapped[str] = mapped_column(String(32))
    fields: Mapped[JsonObject]
    chain_seq: Mapped[int | None] = mapped_column(BigInteger)
    """Its place in the queue's chain; null for rows older than the chain."""
    chain_hash: Mapped[bytes | None] = mapped_column(LargeBinary(HASH_BYTES))


class ArchivedJob(Base):
    """A finished job as its last final event described it; times are Redis' own, epoch milliseconds."""

    __tablename__ = "archived_jobs"
    __table_args__ = (
        one_of("state", FINAL_STATES),
        Index(None, "queue", "state", "finished_at_ms"),
        Index("ix_archived_jobs_failures", "finished_at_ms", "queue", "fingerprint", "customer", **_GROUPED),
        Index("ix_archived_jobs_fingerprint", "fingerprint", "finished_at_ms", **_GROUPED),
    )

    job_id: Mapped[str] = mapped_column(String(JOB_ID_LENGTH), primary_key=True)
    queue: Mapped[Queue] = mapped_column(name_of(Queue))
    name: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(Integer)
    attempt: Mapped[int] = mapped_column(Integer)
    attempts: Mapped[int] = mapped_column(Integer)
    data: Mapped[JsonObject]
    options: Mapped[JsonObject]
    result: Mapped[Any | None] = mapped_column(Json)
    errors: Mapped[list[JsonObject]]
    created_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    started_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    finished_at_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    rest: Mapped[JsonObject]
    """What else the record said: progress, stalls, released time, deduplication key."""
    event_ms: Mapped[int] = mapped_column(BigInteger)
    event_seq: Mapped[int] = mapped_column(BigInteger)
    """With ``event_ms``: the stream id of the final event, so that the newest one wins."""
    removed_ms: Mapped[int | None] = mapped_column(BigInteger)
    """When an operator removed it: it counts as gone unless it is restored."""
    error_type: Mapped[str | None] = mapped_column(String(128))
    """Of failed jobs that nobody retried since, as the two below."""
    fingerprint: Mapped[str | None] = mapped_column(String(16))
    customer: Mapped[str | None] = mapped_column(String(66))
    """``r:`` and a retailer's code, or ``p:`` and the hash of a phone."""


class ArchivePosition(Base):
    """The last entry of a queue's event stream that the archive holds."""

    __tablename__ = "archive_positions"

    queue: Mapped[Queue] = mapped_column(name_of(Queue), primary_key=True)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
