"""Many rows as arrays, one for each column: how PostgreSQL gets them in one statement.

With a parameter for each value, taking the statement apart costs the driver more than the database needs to store
the rows; a JSON document of all rows takes the database twice as long to read as their columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    Insert,
    LargeBinary,
    String,
    Table,
    Text,
    Update,
    bindparam,
    column,
    func,
    select,
    update,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

from shared.database.base import NUL, UtcDateTime, dump_json

Values = Mapping[str, Any]
Names = tuple[str, ...]
OnConflict = Callable[[Any], Any]
"""What is added to an INSERT of either database for rows that exist."""

_ALL = "all_"
_PLACE = "place_in_the_arrays"

# What JSON and the text of an array write in another way: the latter takes any character after a backslash for itself.
_ESCAPED = re.compile(r"\\(?:u([0-9a-f]{4})|(.))")
_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def insertion(table: Table, rows: Sequence[Values], returning: Names | None = None) -> tuple[Insert, dict[str, Any]]:
    """The statement that inserts ``rows`` and its parameters; with ``returning`` it passes over those that exist.

    What is the same in all of them is said once.
    """
    names = tuple(rows[0])
    same = {name: rows[0][name] for name in names if _is_same(rows, name)}
    differing = tuple(name for name in names if name not in same)
    # Rows without anything of their own need one array that says how many they are.
    differing = differing or (names[0],)
    return _insert(table, names, differing, returning), _arrays(table, rows, differing) | same


def changes(table: Table, rows: Sequence[Values], key: Names) -> tuple[Update, dict[str, Any]]:
    """The statement that sets the other columns where those of ``key`` are as in the row, and its parameters."""
    names = tuple(rows[0])
    return _update(table, names, key), _arrays(table, rows, names)


def insertion_or(
    table: Table, rows: Sequence[Values], conflict: OnConflict
) -> tuple[postgresql.Insert, dict[str, Any]]:
    """The statement that inserts ``rows``, with what ``conflict`` adds to it for those that exist; its parameters."""
    names = tuple(rows[0])
    return _insert_or(table, names, conflict), _arrays(table, rows, names)


@lru_cache
def _insert_or(table: Table, names: Names, conflict: OnConflict) -> postgresql.Insert:
    statement: postgresql.Insert = conflict(_insertion(table, names, names))
    return statement


@lru_cache
def _insert(table: Table, names: Names, differing: Names, returning: Names | None) -> Insert:
    statement = _insertion(table, names, differing)
    if returning is None:
        return statement
    return statement.on_conflict_do_nothing().returning(*(table.c[name] for name in returning))


def _insertion(table: Table, names: Names, differing: Names) -> postgresql.Insert:
    source = _source(table, differing)
    values = [source.c[name] if name in differing else bindparam(name, type_=table.c[name].type) for name in names]
    chosen = select(*values).select_from(source).order_by(source.c[_PLACE])
    return postgresql.insert(table).from_select(names, chosen)


@lru_cache
def _update(table: Table, names: Names, key: Names) -> Update:
    source = _source(table, names)
    found = [table.c[name] == source.c[name] for name in key]
    return update(table).where(*found).values({name: source.c[name] for name in names if name not in key})


def _source(table: Table, names: Names) -> TableValuedAlias:
    """The arrays' rows, numbered."""
    types = [_sent_as(table.c[name]) for name in names]
    arrays = [
        cast_to(bindparam(_ALL + name, type_=Text), ARRAY(type_)) for name, type_ in zip(names, types, strict=True)
    ]
    columns = [column(name, type_) for name, type_ in zip(names, types, strict=True)]
    numbered = func.unnest(*arrays).table_valued(*columns, with_ordinality=_PLACE)
    return numbered.render_derived(name="source")


def _sent_as(stored: Column[Any]) -> TypeEngine[Any]:
    # A cast to varchar(64) cuts what is too long, storing text in such a column refuses it.
    return Text() if isinstance(stored.type, String) else stored.type


def _is_same(rows: Sequence[Values], name: str) -> bool:
    first = rows[0][name]
    # An array's way of writing them is another than a parameter's.
    if isinstance(first, dict | list) or (isinstance(first, str) and NUL in first):
        return False
    return all(row[name] is first for row in rows)


def _arrays(table: Table, rows: Sequence[Values], names: Names) -> dict[str, Any]:
    return {_ALL + name: _array(table.c[name], [row[name] for row in rows]) for name in names}


def _array(stored: Column[Any], values: list[Any]) -> str:
    """The values as PostgreSQL reads an array, which is nearly how JSON writes one."""
    if isinstance(stored.type, UtcDateTime):
        _refuse_naive(values)
    is_json = isinstance(stored.type, JSON)
    if is_json:
        values = [None if value is None else dump_json(value) for value in values]
    elif isinstance(stored.type, LargeBinary):
        values = [None if value is None else f"\\x{value.hex()}" for value in values]
    text = dump_json(values)
    if "\\" in text and not is_json:
        text = _ESCAPED.sub(_plain, text)
    return f"{{{text[1:-1]}}}"


def _refuse_naive(values: Iterable[datetime | None]) -> None:
    for value in values:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: an instant needs its zone")


def _plain(escaped: re.Match[str]) -> str:
    code, letter = escaped.groups()
    return chr(int(code, 16)) if code else _CONTROL.get(letter, escaped[0])
