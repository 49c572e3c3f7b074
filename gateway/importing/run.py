"""One run of an import: rows are checked, then stored batch by batch, each in a transaction of its own."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import event

from gateway.importing.files import ImportFile
from gateway.importing.reading import Batch, Batches, Problem, in_batches
from gateway.importing.scores import ScoreRequests
from shared.clock import Clock
from shared.database import Database
from shared.master import (
    Given,
    Kind,
    Outcome,
    Result,
    import_items,
    import_orders,
    import_payments,
    upsert_products,
    upsert_retailers,
    upsert_stock,
    upsert_vendors,
)

BATCH = 2_000


_Writer = Callable[..., list[Outcome]]
WRITERS: dict[Kind, _Writer] = {
    Kind.RETAILERS: upsert_retailers,
    Kind.VENDORS: upsert_vendors,
    Kind.PRODUCTS: upsert_products,
    Kind.STOCK: upsert_stock,
    Kind.ORDERS: import_orders,
    Kind.ITEMS: import_items,
    Kind.PAYMENTS: import_payments,
}


class Watcher(Protocol):
    """Who is told how the run goes."""

    def wrong(self, problem: Problem) -> None:
        """A row is wrong; a row may have several problems."""

    def advanced(self, rows: int) -> None:
        """So many more rows are done."""


@dataclass(slots=True)
class Summary:
    """What became of all rows, and for how many retailers a score was asked."""

    counts: Counter[Result] = field(default_factory=Counter)
    scores: int = 0
    last_row: int = 0
    """The number of the last row that is done."""

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self.counts.total()


class Run:
    """Stores a file that was checked; with ``dry_run`` each batch is rolled back instead of committed."""

    def __init__(self, database: Database, clock: Clock, watcher: Watcher, *, dry_run: bool = False) -> None:
        self.summary = Summary()
        self._database = database
        self._clock = clock
        self._watcher = watcher
        self._dry_run = dry_run
        self._scores = ScoreRequests(secrets.token_hex(8))
        event.listen(database.engine, "connect", _fit_sqlite if database.is_sqlite else _fit_postgres)

    def store(self, file: ImportFile) -> Summary:
        """Store all rows that are right; raises what SQLAlchemy raises, the batches before it stay stored."""
        with Batches(file, BATCH, ahead=not self._database.is_sqlite) as batches:
            for batch in batches:
                self._store(file.kind, batch)
                self.summary.last_row = batch.last_row
                self._watcher.advanced(batch.size)
        if not self._dry_run:
            for retailers in in_batches(sorted(self._scores.again), BATCH):
                with self._database.session() as tx:
                    self._scores.ask_again(tx, retailers)
        self.summary.scores = len(self._scores)
        return self.summary

    def _store(self, kind: Kind, batch: Batch) -> None:
        wrong = dict(batch.wrong)
        outcomes = self._write(kind, batch.rows, batch.given)
        for number, outcome in zip(batch.numbers, outcomes, strict=True):
            self.summary.counts[outcome.result] += 1
            if outcome.result is Result.WRONG:
                wrong[number] = [Problem(number, outcome.field or "", outcome.words or "")]
        self.summary.counts[Result.WRONG] += len(batch.wrong)
        for number in sorted(wrong):
            for problem in wrong[number]:
                self._watcher.wrong(problem)

    def _write(self, kind: Kind, rows: Sequence[Any], given: Given) -> list[Outcome]:
        if not rows:
            return []
        with self._database.session() as tx:
            outcomes = WRITERS[kind](tx, rows, self._clock.now(), given)
            self._scores.ask(tx, (outcome.retailer for outcome in outcomes if outcome.retailer is not None))
            if self._dry_run:
                tx.rollback()
        return outcomes


def _fit_postgres(connection: Any, _record: object) -> None:
    # A plan that was kept from when the tables were small reads all of them for every row once they are not.
    connection.prepare_threshold = None


def _fit_sqlite(connection: Any, _record: object) -> None:
    # A batch touches pages of many indexes, which the cache and the log should hold.
    for pragma in ("cache_size=-65536", "wal_autocheckpoint=10000"):
        connection.execute(f"PRAGMA {pragma}").close()
