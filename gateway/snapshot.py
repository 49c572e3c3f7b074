"""Reading what belongs together as it stands at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.context import current_gateway


@contextmanager
def snapshot() -> Iterator[Session]:
    """Read the database as it stands at one moment, however many queries that takes."""
    database = current_gateway().database
    with database.reader() as tx:
        if not database.is_sqlite:
            tx.execute(text("set transaction isolation level repeatable read"))
        yield tx
