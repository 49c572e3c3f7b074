"""Entries of the operator log for what requests do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from gateway.context import current_actor, current_gateway
from shared.audit import OperatorAction, record_action, rehearse_action
from shared.database.base import JsonObject


@contextmanager
def logged(
    action: OperatorAction, target: str, why: str | None = None, details: JsonObject | None = None
) -> Iterator[Session]:
    """Record ``action`` around doing it, and give the transaction of the entry to an action that also writes rows.

    The entry is tried before and written after: with the database away nothing is done, what Redis refuses leaves
    no entry of the action, and a long action keeps no other operator's entry waiting.
    """
    actor = current_actor()
    with current_gateway().database.session() as tx:
        rehearse_action(tx, action, actor=actor, target=target, why=why or "")
        yield tx
        record_action(tx, action, actor=actor, target=target, why=why or "", details=details)
