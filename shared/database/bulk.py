"""Many rows in one statement.

PostgreSQL gets them as arrays. SQLite, which has no way to the server, runs one prepared statement for each row.

Each statement comes in two forms: one that runs at once, and one that is made ready now and run later, with the
transaction, by whom it is handed to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    Insert,
    SQLColumnExpression,
    Table,
    Update,
    any_,
    bindparam,
    collate,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.database import arrays
from shared.database.base import Base, UtcDateTime
from shared.database.rows import insert_for

Values = Mapping[str, Any]

_T = TypeVar("_T")
Ready = Callable[[Session], _T]
"""Work on rows that is ready to run."""

CHUNK = 200
"""Rows in one statement of SQLite: more costs as much again in taking the statement apart."""

_UTC_TEXT = len("2026-01-31 14:30:00.000000")
_OLD = "old_"


def among(
    tx: Session, wanted: ColumnElement[Any] | InstrumentedAttribute[Any], values: Iterable[Any]
) -> ColumnElement[bool]:
    """The condition that a column has one of many values, as one parameter where the database can."""
    listed = list(values)
    if _is_postgres(tx):
        return wanted == any_(literal(listed, ARRAY(wanted.type)))
    return wanted.in_(listed)


def plain_order(tx: Session, wanted: SQLColumnExpression[str]) -> SQLColumnExpression[str]:
    """A text column in the order of its characters' codes, as Python and SQLite have it."""
    return collate(wanted, "C") if _is_postgres(tx) else wanted


def insert_many(tx: Session, model: type[Base], rows: Sequence[Values]) -> None:
    """Insert ``rows``, which name the same columns; their keys are numbered in this order."""
    inserting(tx, model, rows)(tx)


def inserting(tx: Session, model: type[Base], rows: Sequence[Values]) -> Ready[None]:
    """What ``insert_many`` does, made ready."""
    if not rows:
        return _nothing
    if _is_postgres(tx):
        return partial(_execute, *arrays.insertion(_table(model), rows))
    return lambda tx: _run_each(tx, insert_for(tx, model), _table(model), rows)


def insert_or(tx: Session, model: type[Base], rows: Sequence[Values], conflict: arrays.OnConflict) -> None:
    """As ``insert_many``; ``conflict``, a function of a module, adds to the INSERT what becomes of rows that exist.

    No two rows may have the same key, unless such rows are passed over.
    """
    if not rows:
        return
    if _is_postgres(tx):
        _execute(*arrays.insertion_or(_table(model), rows, conflict), tx)
    else:
        _run_each(tx, conflict(insert_for(tx, model)), _table(model), rows)


def insert_missing(
    tx: Session, model: type[Base], rows: Sequence[Values], returning: Sequence[str]
) -> list[tuple[Any, ...]]:
    """As ``insert_many``, passing over rows whose key exists; the columns ``returning`` of those that were inserted.

    A key that another transaction is inserting is waited for.
    """
    return inserting_missing(tx, model, rows, returning)(tx)


def inserting_missing(
    tx: Session, model: type[Base], rows: Sequence[Values], returning: Sequence[str]
) -> Ready[list[tuple[Any, ...]]]:
    """What ``insert_missing`` does, made ready."""
    if not rows:
        return lambda _tx: []
    if _is_postgres(tx):
        return partial(_fetch, *arrays.insertion(_table(model), rows, tuple(returning)))
    return lambda tx: _insert_missing_each(tx, model, rows, returning)


def update_many(tx: Session, model: type[Base], key: Sequence[str], rows: Sequence[Values]) -> None:
    """Set the other columns of ``rows`` (which name the same ones) where the columns of ``key`` are as in the row."""
    updating(tx, model, key, rows)(tx)


def updating(tx: Session, model: type[Base], key: Sequence[str], rows: Sequence[Values]) -> Ready[None]:
    """What ``update_many`` does, made ready."""
    if not rows:
        return _nothing
    if _is_postgres(tx):
        return partial(_execute, *arrays.changes(_table(model), rows, tuple(key)))
    return lambda tx: _update_each(tx, _table(model), key, rows)


def _nothing(_tx: Session) -> None:
    """What is left to do with no rows."""


def _execute(statement: Executable, parameters: dict[str, Any], tx: Session) -> None:
    tx.connection().execute(statement, parameters)


def _fetch(statement: Executable, parameters: dict[str, Any], tx: Session) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in tx.connection().execute(statement, parameters)]


def _insert_missing_each(
    tx: Session, model: type[Base], rows: Sequence[Values], returning: Sequence[str]
) -> list[tuple[Any, ...]]:
    table = _table(model)
    columns = [table.c[name] for name in returning]
    new = insert_for(tx, model).on_conflict_do_nothing()
    if "id" not in table.c:
        return [tuple(row) for row in tx.execute(new.returning(*columns), [dict(row) for row in rows])]
    # Nobody else writes in this transaction's time: what has a higher key now came from here.
    highest = tx.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    _run_each(tx, new, table, rows)
    return [tuple(row) for row in tx.execute(select(*columns).where(table.c.id > highest).order_by(table.c.id))]


def _update_each(tx: Session, table: Table, key: Sequence[str], rows: Sequence[Values]) -> None:
    one = update(table).where(*(table.c[name] == bindparam(_OLD + name) for name in key))
    parameters = [{_OLD + name if name in key else name: value for name, value in row.items()} for row in rows]
    _run_each(tx, one, table, parameters)


def _is_postgres(tx: Session) -> bool:
    return tx.get_bind().dialect.name == "postgresql"


def _table(model: type[Base]) -> Table:
    return cast("Table", model.__table__)


def _run_each(tx: Session, statement: Insert | Update, table: Table, rows: Sequence[Values]) -> None:
    """Run a statement of SQLite for each row, the values made ready here: SQLAlchemy's way takes twice the time."""
    connection = tx.connection()
    columns = [name for name in rows[0] if name in table.c]
    compiled = statement.compile(dialect=connection.dialect, column_keys=columns)
    values = list(
        zip(*(_written(rows, name, table, connection.dialect) for name in compiled.positiontup or ()), strict=True)
    )
    if isinstance(statement, Insert):
        _insert_in_chunks(connection, str(compiled), values)
    else:
        connection.exec_driver_sql(str(compiled), values)


def _insert_in_chunks(connection: Connection, one: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Some rows at once: SQLite prepares the lists of a table's checks for every run of a statement."""
    places = f"({', '.join('?' * len(rows[0]))})"
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        many = one.replace(f"VALUES {places}", f"VALUES {', '.join([places] * len(chunk))}", 1)
        connection.exec_driver_sql(many, tuple(chain.from_iterable(chunk)))


def _written(rows: Sequence[Values], name: str, table: Table, dialect: Dialect) -> list[Any]:
    """One parameter of all rows, as SQLite stores it."""
    stored = table.c[name.removeprefix(_OLD)]
    if name in rows[0]:
        values = [row[name] for row in rows]
    else:
        default: Any = stored.default
        values = [default.arg(None) if default.is_callable else default.arg] * len(rows)
    if isinstance(stored.type, UtcDateTime):
        return [None if at is None else _utc_text(at) for at in values]
    form = stored.type.dialect_impl(dialect).bind_processor(dialect)
    return values if form is None else [form(value) for value in values]


def _utc_text(at: datetime) -> str:
    """As SQLAlchemy writes it; ValueError for a naive datetime, whose instant nobody knows."""
    if at.tzinfo is None:
        raise ValueError(f"naive datetime {at!r}: an instant needs its zone")
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:_UTC_TEXT]
