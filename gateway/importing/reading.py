"""A file's rows as rows of their kind, checked a batch ahead of the one that is being stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from itertools import islice
from types import TracebackType
from typing import Any, TypeVar

from marshmallow import ValidationError
from typing_extensions import override

from gateway.importing.files import FileRow, ImportFile
from shared.master import Kind, columns_of, schema_of
from shared.messages.base import flat_errors

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row; ``column`` is empty for the row as a whole."""

    row: int
    column: str
    words: str

    def __str__(self) -> str:
        """``row 17: quantity: must be …``."""
        return f"row {self.row}: {self.column}: {self.words}" if self.column else f"row {self.row}: {self.words}"


@dataclass(slots=True)
class Batch:
    """Rows that may be stored, each with its number and the columns it has, and what is wrong with the others."""

    rows: list[Any] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    given: list[frozenset[str]] = field(default_factory=list)
    wrong: dict[int, Sequence[Problem]] = field(default_factory=dict)
    last_row: int = 0

    @property
    def size(self) -> int:
        """How many rows of the file it has."""
        return len(self.rows) + len(self.wrong)


class Batches(AbstractContextManager["Batches"]):
    """The batches of a file; with ``ahead`` the next one is read while the database stores the last.

    That pays where the database is another process. SQLite would take turns with the reader row by row.
    """

    def __init__(self, file: ImportFile, size: int, *, ahead: bool) -> None:
        self._kind = file.kind
        self._size = size
        self._ahead = ahead
        self._held = ExitStack()
        self._rows = self._held.enter_context(file.rows())
        self._reader = self._held.enter_context(ThreadPoolExecutor(1, thread_name_prefix="import-reader"))

    def __iter__(self) -> Iterator[Batch]:
        rows = self._rows
        if not self._ahead:
            while (batch := self._next(rows)).size:
                yield batch
            return
        coming = self._reader.submit(self._next, rows)
        while (batch := coming.result()).size:
            coming = self._reader.submit(self._next, rows)
            yield batch

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._held.close()

    def _next(self, rows: Iterator[FileRow]) -> Batch:
        batch = Batch()
        for row in islice(rows, self._size):
            batch.last_row = row.number
            problems = _put(self._kind, row, batch)
            if problems:
                batch.wrong[row.number] = problems
        return batch


def in_batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Lists of up to ``size`` of the items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _put(kind: Kind, row: FileRow, batch: Batch) -> Sequence[Problem]:
    """Put the row among those that may be stored, or say what is wrong with it."""
    if row.fault is not None:
        return [Problem(row.number, "", row.fault)]
    try:
        batch.rows.append(schema_of(kind).read(row.data))
    except ValidationError as error:
        names = {column.key: column.name for column in columns_of(kind)}
        found = (line.partition(": ") for line in flat_errors(error.messages))
        return [Problem(row.number, names.get(key, key), words) for key, _, words in found]
    batch.numbers.append(row.number)
    batch.given.append(row.given)
    return ()
