"""Many rows in one statement.

PostgreSQL gets them as one JSON document: with a parameter for each value, taking the statement apart costs the
driver more than the database needs to store the rows. SQLite, which has no way to the server, runs one prepared
statement for each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
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

from shared.database.base import Base, UtcDateTime, dump_json
from shared.database.rows import insert_for

Values = Mapping[str, Any]

_DOCUMENT = "document"
_PLACE = "place"
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
        tx.execute(_from_document(tx, model, list(rows[0])), _parameters(rows))
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
        statement = _from_document(tx, model, list(rows[0])).on_conflict_do_nothing().returning(*columns)
        return [tuple(row) for row in tx.execute(statement, _parameters(rows))]
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
        tx.execute(update(table).where(*found).values({name: source.c[name] for name in changing}), _parameters(rows))
        return
    one = update(table).where(*(table.c[name] == bindparam(_OLD + name) for name in key))
    parameters = [{_OLD + name if name in key else name: value for name, value in row.items()} for row in rows]
    _run_each(tx, one, table, parameters)


def _is_postgres(tx: Session) -> bool:
    return tx.get_bind().dialect.name == "postgresql"


def _table(model: type[Base]) -> Table:
    return cast("Table", model.__table__)


def _from_document(tx: Session, model: type[Base], names: list[str]) -> postgresql.Insert:
    source = _document(_table(model), names)
    chosen = select(*(source.c[name] for name in names)).order_by(source.c[_PLACE])
    return cast("postgresql.Insert", insert_for(tx, model).from_select(names, chosen))


def _document(table: Table, names: Sequence[str]) -> TableValuedAlias:
    """The rows of the parameter's JSON document, with the table's types."""
    columns = [column(name, table.c[name].type) for name in names]
    rows = func.json_to_recordset(cast_to(bindparam(_DOCUMENT, type_=Text), JSON))
    return rows.table_valued(*columns, column(_PLACE, Integer)).render_derived(name="source", with_types=True)


def _parameters(rows: Sequence[Values]) -> dict[str, str]:
    return {_DOCUMENT: dump_json([{**row, _PLACE: place} for place, row in enumerate(rows)])}


def _run_each(tx: Session, statement: Insert | Update, table: Table, rows: Sequence[Values]) -> None:
    """Run a statement of SQLite for each row, the values made ready here: SQLAlchemy's way takes twice the time."""
    connection = tx.connection()
    columns = [name for name in rows[0] if name in table.c]
    compiled = statement.compile(dialect=connection.dialect, column_keys=columns)
    ready = []
    for name in compiled.positiontup or ():
        source = table.c[name.removeprefix(_OLD)]
        ready.append((name, _stored_form(source, connection.dialect), _default_of(source)))
    values = [
        tuple(form(row[name]) if name in row else form(default()) for name, form, default in ready) for row in rows
    ]
    connection.exec_driver_sql(str(compiled), values)


def _stored_form(source: Column[Any], dialect: Dialect) -> Callable[[Any], Any]:
    """How SQLite stores a value of the column."""
    kind = source.type
    if isinstance(kind, UtcDateTime):
        return lambda at: None if (utc := kind.process_bind_param(at, dialect)) is None else _written(utc)
    return kind.dialect_impl(dialect).bind_processor(dialect) or _as_it_is


def _written(utc: datetime) -> str:
    return utc.replace(tzinfo=None).isoformat(" ", "microseconds")


def _as_it_is(value: Any) -> Any:
    return value


def _default_of(source: Column[Any]) -> Callable[[], Any]:
    default: Any = source.default or source.onupdate
    if default is None:
        return lambda: None
    return partial(default.arg, None) if default.is_callable else lambda: default.arg
