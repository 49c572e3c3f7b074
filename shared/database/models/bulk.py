"""Tables of bulk operations: what is to be done to all jobs that match a filter, and what became of each."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.base import Base, BigId, Json, JsonObject, name_of, one_of, utc_now
from shared.database.models.engine import JOB_ID_LENGTH
from shared.queues import Queue

_ACTIVE = text("state in ('running', 'undoing')")
_KEPT = text("record is not null")


class BulkAction(StrEnum):
    """What is done to each job."""

    RETRY = "retry"
    REMOVE = "remove"
    PROMOTE = "promote"
    MOVE = "move"


class BulkState(StrEnum):
    """How far an operation is: ``stopped`` by an operator or by its error rate, which ``stop_reason`` says."""

    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    UNDOING = "undoing"
    UNDONE = "undone"


class BulkOutcome(StrEnum):
    """What became of one job: ``acting`` from before it is touched until its outcome is known."""

    ACTING = "acting"
    DONE = "done"
    REFUSED = "refused"
    RESTORED = "restored"
    LOST = "lost"
    """It could not be restored; ``why`` says it."""


class BulkOperation(Base):
    """One operation. ``lease_token`` names the process that works on it until ``lease_until_ms``."""

    __tablename__ = "bulk_operations"
    __table_args__ = (
        one_of("action", BulkAction),
        one_of("state", BulkState),
        CheckConstraint("(action = 'move') = (target is not null)", name="move_has_target"),
        CheckConstraint("per_minute is null or per_minute >= 1", name="pace_positive"),
        CheckConstraint("max_error_percent between 0 and 100", name="rate_is_a_share"),
        Index("ix_bulk_operations_active", "id", postgresql_where=_ACTIVE, sqlite_where=_ACTIVE),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    action: Mapped[BulkAction] = mapped_column(name_of(BulkAction, 16))
    filter: Mapped[str] = mapped_column(Text)
    target: Mapped[Queue | None] = mapped_column(name_of(Queue))
    reason: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(String(64))
    per_minute: Mapped[int | None]
    max_error_percent: Mapped[int]
    expected: Mapped[int | None]
    """How many jobs matched at the start, if they were few enough to count."""
    started_ms: Mapped[int] = mapped_column(BigInteger)
    """Redis time at the start: what spans of the filter count from, and jobs created later are left alone."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]
    state: Mapped[BulkState] = mapped_column(name_of(BulkState, 16), default=BulkState.RUNNING)
    stop_reason: Mapped[str | None] = mapped_column(Text)
    done: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    restored: Mapped[int] = mapped_column(default=0)
    lost: Mapped[int] = mapped_column(default=0)
    place: Mapped[Any | None] = mapped_column(Json)
    """Where the search goes on."""
    next_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    """When the pace allows the next job, epoch ms."""
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until_ms: Mapped[int] = mapped_column(BigInteger, default=0)


class BulkItem(Base):
    """One job of an operation."""

    __tablename__ = "bulk_items"
    __table_args__ = (
        one_of("outcome", BulkOutcome),
        Index(None, "operation_id", "outcome"),
        Index(None, "operation_id", "at_ms"),
        Index("ix_bulk_items_kept", "at_ms", postgresql_where=_KEPT, sqlite_where=_KEPT),
    )

    operation_id: Mapped[int] = mapped_column(ForeignKey("bulk_operations.id"), primary_key=True, autoincrement=False)
    job_id: Mapped[str] = mapped_column(String(JOB_ID_LENGTH), primary_key=True)
    outcome: Mapped[BulkOutcome] = mapped_column(name_of(BulkOutcome, 16))
    why: Mapped[str | None] = mapped_column(Text)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    """When it was acted on, epoch ms."""
    record: Mapped[JsonObject | None]
    """Of a removed job: its hash (``fields``) and where it stood (``shelf``, ``score``); for an hour."""
