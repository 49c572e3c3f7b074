"""The operator log: who did what to queues, jobs and tokens, and why.

``record_action`` writes into the caller's transaction: an action and its entry
commit together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database.base import JsonObject, utc_now, without_nul
from shared.database.chains import OPERATOR_LOG, entry_form, extend
from shared.database.models import OperatorLogEntry

MAX_PAGE = 500


class OperatorAction(StrEnum):
    """What can be done; the grammar is ``noun.past-tense``."""

    QUEUE_PAUSED = "queue.paused"
    QUEUE_RESUMED = "queue.resumed"
    QUEUE_CLEANED = "queue.cleaned"
    QUEUE_LIMITED = "queue.limited"
    CLIENT_LIMITED = "client.limited"
    BREAKER_CLOSED = "breaker.closed"
    JOB_ADDED = "job.added"
    JOB_RETRIED = "job.retried"
    JOB_RERUN = "job.rerun"
    JOB_CANCELLED = "job.cancelled"
    JOB_PROMOTED = "job.promoted"
    JOB_REMOVED = "job.removed"
    TOKEN_CREATED = "token.created"  # noqa: S105 - an action, no secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - an action, no secret
    SESSION_OPENED = "session.opened"
    PII_REVEALED = "pii.revealed"
    OUTBOX_REQUEUED = "outbox.requeued"
    SCHEDULE_CREATED = "schedule.created"
    SCHEDULE_EDITED = "schedule.edited"
    SCHEDULE_PAUSED = "schedule.paused"
    SCHEDULE_RESUMED = "schedule.resumed"
    SCHEDULE_STARTED = "schedule.started"
    SCHEDULE_REMOVED = "schedule.removed"
    FLOW_CANCELLED = "flow.cancelled"
    WORKER_QUIETED = "worker.quieted"
    WORKER_RESUMED = "worker.resumed"
    WORKER_STOPPED = "worker.stopped"
    BULK_STARTED = "bulk.started"
    BULK_STOPPED = "bulk.stopped"
    BULK_UNDONE = "bulk.undone"
    ARCHIVE_TRIMMED = "archive.trimmed"
    ACCESS_REFUSED = "access.refused"
    ACTION_REFUSED = "action.refused"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: ``name`` is the token's user, or a part of the system such as ``keeper``."""

    name: str
    token_id: str | None = None
    role: str | None = None
    request_id: str | None = None
    remote_address: str | None = None


def record_action(
    tx: Session,
    action: OperatorAction,
    *,
    actor: Actor,
    target: str,
    why: str = "",
    details: JsonObject | None = None,
) -> OperatorLogEntry:
    """Add an entry to the log in the caller's transaction and return it, its id set.

    ``target`` is a queue's key, a job's or a token's id. ``details`` must hold no
    personal data: the log is kept longer than the messages.
    """
    row = _row(action, actor, target, why, details)
    extend(tx, OPERATOR_LOG, [row], entry_form)
    return _insert(tx, row)


def rehearse_action(tx: Session, action: OperatorAction, *, actor: Actor, target: str, why: str = "") -> None:
    """Add the entry and take it back: raises whatever ``record_action`` would, and locks nothing.

    For actions outside the database, which must not be done if they can't be recorded afterwards.
    """
    with tx.begin_nested() as trial:
        _insert(tx, _row(action, actor, target, why, None))
        trial.rollback()


def _row(action: OperatorAction, actor: Actor, target: str, why: str, details: JsonObject | None) -> dict[str, Any]:
    return {
        "at": utc_now(),
        "actor": actor.name,
        "token_id": actor.token_id,
        "role": actor.role,
        "action": action.value,
        "target": without_nul(target),
        "why": without_nul(why),
        "request_id": actor.request_id,
        "remote_address": actor.remote_address,
        "details": details or {},
    }


def _insert(tx: Session, row: dict[str, Any]) -> OperatorLogEntry:
    entry = OperatorLogEntry(**row)
    tx.add(entry)
    tx.flush()
    return entry


def actions(
    tx: Session,
    *,
    action: OperatorAction | None = None,
    actor: str | None = None,
    target: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> Sequence[OperatorLogEntry]:
    """Entries newest first, at most ``limit`` (up to 500); ``before_id`` continues after the last one seen.

    ``since`` is included, ``until`` is not.
    """
    query = select(OperatorLogEntry).order_by(OperatorLogEntry.id.desc()).limit(max(1, min(limit, MAX_PAGE)))
    if action is not None:
        query = query.where(OperatorLogEntry.action == action.value)
    if actor is not None:
        query = query.where(OperatorLogEntry.actor == actor)
    if target is not None:
        query = query.where(OperatorLogEntry.target == target)
    if since is not None:
        query = query.where(OperatorLogEntry.at >= since)
    if until is not None:
        query = query.where(OperatorLogEntry.at < until)
    if before_id is not None:
        query = query.where(OperatorLogEntry.id < before_id)
    return tx.scalars(query).all()
