"""Inserts that pass over rows which exist, on both databases."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared.database.base import Base


def insert_for(tx: Session, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An INSERT into the model's table that knows ``ON CONFLICT``."""
    table = cast("Table", model.__table__)
    return sqlite.insert(table) if tx.get_bind().dialect.name == "sqlite" else postgresql.insert(table)


def insert_new(tx: Session, model: type[Base], row: dict[str, Any]) -> bool:
    """Insert ``row`` unless its key exists; True if it is new.

    If another transaction is inserting the same key, this waits for its end.
    """
    # Without the option SQLAlchemy drops what PostgreSQL's driver says about an INSERT.
    result = tx.connection().execute(_passing_over(tx, model), row, execution_options={"preserve_rowcount": True})
    return affected(result) == 1


_Inserts = dict[tuple[str, type[Base]], sqlite.Insert | postgresql.Insert]
_inserts: _Inserts = {}


def _passing_over(tx: Session, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """The INSERT of rows that may exist, made once: each job runs some, and making one takes longer than it runs."""
    key = (tx.get_bind().dialect.name, model)
    if key not in _inserts:
        _inserts[key] = insert_for(tx, model).on_conflict_do_nothing()
    return _inserts[key]


def affected(result: object) -> int:
    """How many rows an UPDATE or DELETE changed."""
    return cast("CursorResult[Any]", result).rowcount
