"""Rows with a key that are created, or brought up to what was said of them, many in a few statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from sqlalchemy import Table, bindparam, select, tuple_, update
from sqlalchemy.orm import Session

from shared.database.base import Base
from shared.database.rows import insert_for
from shared.master.outcome import Result

Key = tuple[Any, ...]
Values = Mapping[str, Any]

_BOUND = "bound_"


@dataclass(frozen=True)
class Upserts:
    """How a model's rows are told apart (``key``), and what a new one has where nothing was said.

    ``defaults`` names every column but the key that is compared and changed. ``since`` is the column that says when
    a row came to be, for those that don't say; ``written`` the one that says when it was last written.
    """

    model: type[Base]
    key: tuple[str, ...]
    defaults: Values
    since: str | None = None
    written: str | None = None

    def store(self, tx: Session, rows: Sequence[Values], now: datetime) -> list[Result]:
        """Create or update one row for each of ``rows``, all columns of the key given; later ones win."""
        stored = self._stored(tx, rows)
        new: dict[Key, dict[str, Any]] = {}
        changed: dict[Key, dict[str, Any]] = {}
        results = []
        for values in rows:
            key = self._key_of(values)
            current = new.get(key) or stored.get(key)
            if current is None:
                new[key] = {**self.defaults, **values}
                results.append(Result.CREATED)
            elif all(current[column] == value for column, value in values.items()):
                results.append(Result.UNCHANGED)
            else:
                current.update(values)
                if key not in new:
                    changed[key] = current
                results.append(Result.UPDATED)
        self._update(tx, list(changed.values()), now)
        missed = new.keys() - self._insert(tx, list(new.values()), now)
        if missed:
            # Another transaction created them between our look and our insert: now they are there to be compared.
            again = [index for index, values in enumerate(rows) if self._key_of(values) in missed]
            for index, result in zip(again, self.store(tx, [rows[index] for index in again], now), strict=True):
                results[index] = result
        return results

    @cached_property
    def _table(self) -> Table:
        return cast("Table", self.model.__table__)

    @cached_property
    def _columns(self) -> list[str]:
        return [*self.key, *self.defaults]

    def _key_of(self, values: Values) -> Key:
        return tuple(values[column] for column in self.key)

    def _stored(self, tx: Session, rows: Sequence[Values]) -> dict[Key, dict[str, Any]]:
        table = self._table
        keys = sorted({self._key_of(values) for values in rows})
        columns = [table.c[name] for name in self.key]
        wanted = columns[0].in_([key[0] for key in keys]) if len(columns) == 1 else tuple_(*columns).in_(keys)
        query = (
            select(*(table.c[name] for name in self._columns))
            .where(wanted)
            .order_by(*table.primary_key.columns)
            # In one order everywhere, so that two writers don't wait for each other.
            .with_for_update(key_share=True)
        )
        found = (dict(row) for row in tx.execute(query).mappings())
        return {self._key_of(row): row for row in found}

    def _stamped(self, now: datetime) -> dict[str, datetime]:
        return {} if self.written is None else {self.written: now}

    def _begun(self, row: Values, now: datetime) -> dict[str, datetime]:
        return {} if self.since is None else {self.since: row.get(self.since) or now}

    def _insert(self, tx: Session, rows: list[dict[str, Any]], now: datetime) -> set[Key]:
        """The keys of the rows that this call inserted."""
        if not rows:
            return set()
        statement = insert_for(tx, self.model).on_conflict_do_nothing()
        returning = statement.returning(*(self._table.c[name] for name in self.key))
        return {
            tuple(row)
            for row in tx.execute(returning, [row | self._begun(row, now) | self._stamped(now) for row in rows])
        }

    def _update(self, tx: Session, rows: list[dict[str, Any]], now: datetime) -> None:
        if not rows:
            return
        table = self._table
        statement = (
            update(table)
            .where(*(table.c[name] == bindparam(_BOUND + name) for name in self.key))
            .values({name: bindparam(_BOUND + name) for name in self.defaults} | self._stamped(now))
        )
        parameters = [{_BOUND + name: row[name] for name in self._columns} for row in rows]
        tx.connection().execute(statement, parameters)
