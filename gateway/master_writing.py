"""Storing what a PUT says, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gateway.context import current_actor, current_gateway
from gateway.errors import invalid
from gateway.master_requests import Said
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


def store_new_draft(draft: NewDraft) -> str:
    """Create the draft under the next number. Raises DraftRefused."""
    with current_gateway().database.session() as tx:
        return make_draft(tx, draft, _making())


def _making() -> Making:
    return Making(current_actor().name, _now())


def _now() -> datetime:
    return current_gateway().settings.clock().now()
