"""Rows with a key that are created, or brought up to what was said of them, many in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from shared.database.base import Base
from shared.database.bulk import Values, among, insert_missing, update_many
from shared.master.outcome import Result

Key = tuple[Any, ...]


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
        stamp = {} if self.written is None else {self.written: now}
        update_many(tx, self.model, self.key, [row | stamp for row in changed.values()])
        begun = [row | self._begun(row, now) | stamp for row in new.values()]
        missed = new.keys() - set(insert_missing(tx, self.model, begun, self.key))
        if missed:
            # Another transaction created them between our look and our insert: now they are there to be compared.
            again = [index for index, values in enumerate(rows) if self._key_of(values) in missed]
            for index, result in zip(again, self.store(tx, [rows[index] for index in again], now), strict=True):
                results[index] = result
        return results

    def _key_of(self, values: Values) -> Key:
        return tuple(values[column] for column in self.key)

    def _begun(self, row: Values, now: datetime) -> dict[str, datetime]:
        return {} if self.since is None else {self.since: row.get(self.since) or now}

    def _stored(self, tx: Session, rows: Sequence[Values]) -> dict[Key, dict[str, Any]]:
        table = cast("Table", self.model.__table__)
        keys = {self._key_of(values) for values in rows}
        query = (
            select(*(table.c[name] for name in (*self.key, *self.defaults)))
            # By each column of the key alone: that finds a few rows too many, which no row of ours asks for.
            .where(*(among(tx, table.c[name], {key[place] for key in keys}) for place, name in enumerate(self.key)))
            # In one order everywhere, so that two writers don't wait for each other.
            .order_by(*table.primary_key.columns)
            .with_for_update(key_share=True)
        )
        found = (dict(row) for row in tx.execute(query).mappings())
        return {self._key_of(row): row for row in found}
