"""Many rows in one statement.

PostgreSQL gets them as one JSON document: with a parameter for each value, taking the statement apart costs the
driver more than the database needs to store the rows. SQLite, which has no way to the server, runs one prepared
statement for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    Integer,
    Table,
    Text,
    any_,
    bindparam,
    column,
    func,
    literal,
    select,
    update,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TableValuedAlias

from shared.database.base import Base, dump_json
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
    table = _table(model)
    if not _is_postgres(tx):
        tx.execute(insert_for(tx, model), [dict(row) for row in rows])
        return
    source = _document(table, list(rows[0]))
    chosen = select(*(source.c[name] for name in rows[0])).order_by(source.c[_PLACE])
    tx.execute(insert_for(tx, model).from_select(list(rows[0]), chosen), _parameters(rows))


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
    statement = insert_for(tx, model)
    if not _is_postgres(tx):
        result = tx.execute(statement.on_conflict_do_nothing().returning(*columns), [dict(row) for row in rows])
        return [tuple(row) for row in result]
    source = _document(table, list(rows[0]))
    chosen = select(*(source.c[name] for name in rows[0])).order_by(source.c[_PLACE])
    statement = statement.from_select(list(rows[0]), chosen)
    return [tuple(row) for row in tx.execute(statement.on_conflict_do_nothing().returning(*columns), _parameters(rows))]


def update_many(tx: Session, model: type[Base], key: Sequence[str], rows: Sequence[Values]) -> None:
    """Set the other columns of ``rows`` (which name the same ones) where the columns of ``key`` are as in the row."""
    if not rows:
        return
    table = _table(model)
    changing = [name for name in rows[0] if name not in key]
    if _is_postgres(tx):
        source = _document(table, list(rows[0]))
        found = [table.c[name] == source.c[name] for name in key]
        statement = update(table).where(*found).values({name: source.c[name] for name in changing})
        tx.execute(statement, _parameters(rows))
        return
    one = update(table).where(*(table.c[name] == bindparam(_OLD + name) for name in key))
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in changing}
    parameters = [{(_OLD if name in key else "new_") + name: value for name, value in row.items()} for row in rows]
    tx.connection().execute(one.values(values), parameters)


def _is_postgres(tx: Session) -> bool:
    return tx.get_bind().dialect.name == "postgresql"


def _table(model: type[Base]) -> Table:
    return cast("Table", model.__table__)


def _document(table: Table, names: Sequence[str]) -> TableValuedAlias:
    """The rows of the parameter's JSON document, with the table's types."""
    columns = [column(name, table.c[name].type) for name in names]
    document = cast_to(bindparam(_DOCUMENT, type_=Text), JSON)
    rows = func.json_to_recordset(document)
    return rows.table_valued(*columns, column(_PLACE, Integer)).render_derived(name="source", with_types=True)


def _parameters(rows: Sequence[Values]) -> dict[str, str]:
    return {_DOCUMENT: dump_json([{**row, _PLACE: place} for place, row in enumerate(rows)])}
