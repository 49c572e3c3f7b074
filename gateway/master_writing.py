"""Storing what a PUT says, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.context import current_actor, current_gateway
from gateway.enqueueing import idempotency
from gateway.errors import invalid
from gateway.master_requests import Said
from shared.broker.options import Idempotency
from shared.database.models import DraftRequest
from shared.database.rows import insert_new
from shared.errors import IdempotencyConflict
from shared.master import Outcome, Result
from shared.master.draft_schemas import NewDraft
from shared.master.drafts import Making, make_draft, put_draft
from shared.messages.fields import camel_case

Upsert = Callable[[Session, Sequence[Any], datetime, Sequence[frozenset[str]]], list[Outcome]]


def store(upsert: Upsert, said: Said) -> Result:
    """Create or update the row. Raises Problem 422 that names the field for which it can't be stored."""
    with current_gateway().database.session() as tx:
        (outcome,) = upsert(tx, [said.row], _now(), [said.given])
        if outcome.result is Result.WRONG:
            raise invalid({camel_case(outcome.field or "body"): [outcome.words or "can't be stored"]})
    return outcome.result


def store_draft(said: Said) -> Result:
    """Create or replace the draft. Raises DraftRefused and NoDraft."""
    with current_gateway().database.session() as tx:
        return put_draft(tx, said.row, said.given, _making())


class _MadeMeanwhile(Exception):
    """Another request with the same key was quicker."""


def store_new_draft(draft: NewDraft) -> str:
    """Create the draft under the next number, once for each Idempotency-Key; returns the number.

    Raises DraftRefused and IdempotencyConflict.
    """
    asked = idempotency()
    while True:
        try:
            with current_gateway().database.session() as tx:
                return _made_before(tx, asked) or _make(tx, draft, asked)
        except _MadeMeanwhile:
            continue


def _made_before(tx: Session, asked: Idempotency | None) -> str | None:
    if asked is None:
        return None
    query = select(DraftRequest.body_hash, DraftRequest.number)
    row = tx.execute(query.where(DraftRequest.owner == asked.owner, DraftRequest.key == asked.key)).one_or_none()
    if row is not None and row.body_hash != asked.body_hash:
        raise IdempotencyConflict("this Idempotency-Key came with another body before; use a new key")
    return None if row is None else str(row.number)


def _make(tx: Session, draft: NewDraft, asked: Idempotency | None) -> str:
    number = make_draft(tx, draft, _making())
    if asked is not None:
        row = {"owner": asked.owner, "key": asked.key, "body_hash": asked.body_hash, "number": number}
        if not insert_new(tx, DraftRequest, row):
            raise _MadeMeanwhile  # takes back the draft, too
    return number


def _making() -> Making:
    return Making(current_actor().name, _now())


def _now() -> datetime:
    return current_gateway().settings.clock().now()
