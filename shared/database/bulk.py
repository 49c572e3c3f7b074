"""Many rows in one statement.

PostgreSQL gets them as one JSON document: with a parameter for each value, taking the statement apart costs the
driver more than the database needs to store the rows. SQLite, which has no way to the server, runs one prepared
statement for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    Integer,
    Table,
    Text,
    Update,
    any_,
    bindparam,
    column,
    func,
    literal,
    select,
    update,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TableValuedAlias

from shared.database.base import NUL, Base, UtcDateTime, dump_json
from shared.database.rows import insert_for

Values = Mapping[str, Any]

CHUNK = 200
"""Rows in one statement of SQLite: more costs as much again in taking the statement apart."""

_DOCUMENT = "document"
_PLACE = "place"
_UTC_TEXT = len("2026-01-31 14:30:00.000000")
_OLD = "old_"


def among(tx: Session, wanted: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """The condition that a column has one of many values, as one parameter where the database can."""
    listed = list(values)
    if _is_postgres(tx):
        return wanted == any_(literal(listed, ARRAY(wanted.type)))
    return wanted.in_(listed)


def insert_many(tx: Session, model: type[Base], rows: Sequence[Values]) -> None:
    """Insert ``rows``, which name the same columns; their keys are numbered in this order."""
    if not rows:
        return
    if _is_postgres(tx):
        tx.execute(*_from_document(tx, model, rows))
    else:
        _run_each(tx, insert_for(tx, model), _table(model), rows)


def insert_missing(
    tx: Session, model: type[Base], rows: Sequence[Values], returning: Sequence[str]
) -> list[tuple[Any, ...]]:
    """As ``insert_many``, passing over rows whose key exists; the columns ``returning`` of those that were inserted.

    A key that another transaction is inserting is waited for.
    """
    if not rows:
        return []
    table = _table(model)
    columns = [table.c[name] for name in returning]
    if _is_postgres(tx):
        statement, parameters = _from_document(tx, model, rows)
        missing = statement.on_conflict_do_nothing().returning(*columns)
        return [tuple(row) for row in tx.execute(missing, parameters)]
    new = insert_for(tx, model).on_conflict_do_nothing()
    if "id" not in table.c:
        return [tuple(row) for row in tx.execute(new.returning(*columns), [dict(row) for row in rows])]
    # Nobody else writes in this transaction's time: what has a higher key now came from here.
    highest = tx.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    _run_each(tx, new, table, rows)
    return [tuple(row) for row in tx.execute(select(*columns).where(table.c.id > highest).order_by(table.c.id))]


def update_many(tx: Session, model: type[Base], key: Sequence[str], rows: Sequence[Values]) -> None:
    """Set the other columns of ``rows`` (which name the same ones) where the columns of ``key`` are as in the row."""
    if not rows:
        return
    table = _table(model)
    changing = [name for name in rows[0] if name not in key]
    if _is_postgres(tx):
        source = _document(table, list(rows[0]))
        found = [table.c[name] == source.c[name] for name in key]
        changed = update(table).where(*found).values({name: source.c[name] for name in changing})
        tx.execute(changed, _parameters(rows, list(rows[0])))
        return
    one = update(table).where(*(table.c[name] == bindparam(_OLD + name) for name in key))
    parameters = [{_OLD + name if name in key else name: value for name, value in row.items()} for row in rows]
    _run_each(tx, one, table, parameters)


def _is_postgres(tx: Session) -> bool:
    return tx.get_bind().dialect.name == "postgresql"


def _table(model: type[Base]) -> Table:
    return cast("Table", model.__table__)


def _from_document(tx: Session, model: type[Base], rows: Sequence[Values]) -> tuple[postgresql.Insert, dict[str, Any]]:
    """The statement that inserts ``rows`` and its parameters; what is the same in all of them is said once."""
    table, names = _table(model), list(rows[0])
    same = {name: rows[0][name] for name in names if _is_same(rows, name)}
    differing = [name for name in names if name not in same]
    source = _document(table, differing)
    values = [bindparam(name, type_=table.c[name].type) if name in same else source.c[name] for name in names]
    chosen = select(*values).select_from(source).order_by(source.c[_PLACE])
    statement = cast("postgresql.Insert", insert_for(tx, model).from_select(names, chosen))
    return statement, _parameters(rows, differing) | same


def _is_same(rows: Sequence[Values], name: str) -> bool:
    first = rows[0][name]
    # The document's way of writing them is another than a parameter's.
    if isinstance(first, dict | list) or (isinstance(first, str) and NUL in first):
        return False
    return all(row[name] is first for row in rows)


def _document(table: Table, names: Sequence[str]) -> TableValuedAlias:
    """The rows of the parameter's JSON document, with the table's types."""
    columns = [column(name, table.c[name].type) for name in names]
    rows = func.json_to_recordset(cast_to(bindparam(_DOCUMENT, type_=Text), JSON))
    return rows.table_valued(*columns, column(_PLACE, Integer)).render_derived(name="source", with_types=True)


def _parameters(rows: Sequence[Values], names: Sequence[str]) -> dict[str, Any]:
    chosen = [{name: row[name] for name in names} | {_PLACE: place} for place, row in enumerate(rows)]
    return {_DOCUMENT: dump_json(chosen)}


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
