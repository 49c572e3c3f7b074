"""Entries of the operator log for what requests do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from gateway.context import current_actor, current_gateway
from shared.audit import OperatorAction, record_action
from shared.database.base import JsonObject


@contextmanager
def logged(
    action: OperatorAction, target: str, why: str | None = None, details: JsonObject | None = None
) -> Iterator[Session]:
    """Record ``action`` around doing it, and give the transaction of the entry to an action that also writes rows.

    The entry is written before and committed after: with the database away nothing is done, and what Redis
    refuses leaves no entry.
    """
    with current_gateway().database.session() as tx:
        record_action(tx, action, actor=current_actor(), target=target, why=why or "", details=details)
        yield tx
