"""One run of an import: rows are checked, then stored batch by batch, each in a transaction of its own."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, TypeVar

from marshmallow import ValidationError

from gateway.importing.files import FileRow, ImportFile
from gateway.importing.scores import ScoreRequests
from shared.clock import Clock
from shared.database import Database
from shared.master import (
    Given,
    Kind,
    Outcome,
    Result,
    columns_of,
    import_items,
    import_orders,
    import_payments,
    schema_of,
    upsert_products,
    upsert_retailers,
    upsert_stock,
    upsert_vendors,
)
from shared.messages.base import flat_errors

BATCH = 1_000

_T = TypeVar("_T")
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


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row; ``column`` is empty for the row as a whole."""

    row: int
    column: str
    words: str

    def __str__(self) -> str:
        """``row 17: quantity: must be …``."""
        return f"row {self.row}: {self.column}: {self.words}" if self.column else f"row {self.row}: {self.words}"


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

    def store(self, file: ImportFile) -> Summary:
        """Store all rows that are right; raises what SQLAlchemy raises, the batches before it stay stored."""
        for batch in _batches(file.rows(), BATCH):
            self._store(file.kind, batch)
            self.summary.last_row = batch[-1].number
            self._watcher.advanced(len(batch))
        if not self._dry_run:
            for retailers in _batches(sorted(self._scores.again), BATCH):
                with self._database.session() as tx:
                    self._scores.ask_again(tx, retailers)
        self.summary.scores = len(self._scores)
        return self.summary

    def _store(self, kind: Kind, batch: Sequence[FileRow]) -> None:
        good: list[FileRow] = []
        rows: list[Any] = []
        wrong: dict[int, Sequence[Problem]] = {}
        for file_row in batch:
            try:
                rows.append(_read(kind, file_row))
                good.append(file_row)
            except _Unreadable as error:
                wrong[file_row.number] = error.problems
        outcomes = self._write(kind, rows, [row.given for row in good])
        for file_row, outcome in zip(good, outcomes, strict=True):
            self.summary.counts[outcome.result] += 1
            if outcome.result is Result.WRONG:
                wrong[file_row.number] = [Problem(file_row.number, outcome.field or "", outcome.words or "")]
        self.summary.counts[Result.WRONG] += len(batch) - len(good)
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


class _Unreadable(Exception):
    """A row that is no row of its kind."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(len(problems))
        self.problems = problems


def _read(kind: Kind, row: FileRow) -> Any:
    if row.fault is not None:
        raise _Unreadable([Problem(row.number, "", row.fault)])
    try:
        return schema_of(kind).read(row.data)
    except ValidationError as error:
        names = {column.key: column.name for column in columns_of(kind)}
        found = (text.partition(": ") for text in flat_errors(error.messages))
        problems = [Problem(row.number, names.get(key, key), words) for key, _, words in found]
        raise _Unreadable(problems) from error


def _batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
