"""Import files, CSV or JSON lines: checked as a whole before anything is stored, then read row by row."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from shared.errors import DokoError
from shared.master import Column, Kind, columns_of

LONGEST_LINE = 1024 * 1024
"""Bytes; a file without line ends must not fill the memory."""

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class FileRefused(DokoError):
    """A file of which nothing can be stored; the message says why."""


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON_LINES = "jsonl"

    @classmethod
    def of(cls, path: Path) -> Format:
        """The format that the file's name says; raises ``FileRefused``."""
        try:
            return cls(_SUFFIXES[path.suffix.lower()])
        except KeyError as error:
            known = ", ".join(_SUFFIXES)
            raise FileRefused(f"{path.name} ends in none of {known}: say --format csv or jsonl") from error


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row as it stands in the file: its number (the header of a CSV file is row 1), its values by their JSON keys.

    ``given`` names the columns that it has; with ``fault`` (what is wrong with the row as a whole) there are none.
    """

    number: int
    data: dict[str, Any]
    given: frozenset[str]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file of one kind; ``ignore_unknown`` passes over columns that the kind doesn't have."""

    path: Path
    kind: Kind
    format: Format
    ignore_unknown: bool = False

    def check(self) -> int:
        """Read it through: its encoding and, of a CSV file, header and quoting; returns how many rows it has.

        Raises ``FileRefused``.
        """
        if not stat.S_ISREG(self.path.stat().st_mode):
            raise FileRefused(f"{self.path} is not a regular file: it is read twice, first to check it")
        if self.path.stat().st_size == 0:
            raise FileRefused(f"{self.path.name} is empty")
        with self.path.open("rb") as file:
            lines = self._lines(file)
            if self.format is Format.JSON_LINES:
                return sum(1 for line in lines if line.strip())
            records = _records(lines)
            self._header(records)
            return sum(1 for _, record in records if record)

    @contextmanager
    def rows(self) -> Iterator[Iterator[FileRow]]:
        """The rows, one after the other, while the file is open; empty lines are passed over."""
        with self.path.open("rb") as file:
            lines = self._lines(file)
            yield self._json_rows(lines) if self.format is Format.JSON_LINES else self._csv_rows(lines)

    def _csv_rows(self, lines: Iterator[str]) -> Iterator[FileRow]:
        records = _records(lines)
        width, columns = self._header(records)
        given = frozenset(column.name for _, column in columns)
        for number, record in records:
            if not record:
                continue
            if len(record) != width:
                yield FileRow(number, {}, given, f"has {len(record)} cells, the header has {width}")
                continue
            cells = ((column, record[place]) for place, column in columns)
            data = {column.key: column.value_of(cell) for column, cell in cells if cell and not cell.isspace()}
            yield FileRow(number, data, given)

    def _json_rows(self, lines: Iterator[str]) -> Iterator[FileRow]:
        known = {column.name: column for column in columns_of(self.kind)}
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                yield FileRow(number, {}, frozenset(), f"is not JSON: {error}")
                continue
            yield self._json_row(number, value, known)

    def _json_row(self, number: int, value: Any, known: dict[str, Column]) -> FileRow:
        if not isinstance(value, dict):
            return FileRow(number, {}, frozenset(), "must be a JSON object")
        unknown = [name for name in value if name not in known]
        if unknown and not self.ignore_unknown:
            return FileRow(number, {}, frozenset(), _unknown(unknown, list(known)))
        data = {known[name].key: item for name, item in value.items() if name in known}
        return FileRow(number, data, frozenset(value) & known.keys())

    def _header(self, records: Iterator[tuple[int, list[str]]]) -> tuple[int, list[tuple[int, Column]]]:
        """How many cells a row has, and the place of each known column; raises ``FileRefused``."""
        _, header = next(records, (0, []))
        names = [name.strip() for name in header]
        known = {column.name: column for column in columns_of(self.kind)}
        if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
            raise FileRefused("row 1: the cells must be separated by commas")
        _refuse_repeated(names)
        unknown = [name for name in names if name not in known]
        if unknown and not self.ignore_unknown:
            raise FileRefused(f"row 1: {_unknown(unknown, list(known))}")
        missing = [column.name for column in known.values() if column.required and column.name not in names]
        if missing:
            raise FileRefused(f"row 1: {_columns(missing)} {_is_missing(missing)}")
        return len(names), [(place, known[name]) for place, name in enumerate(names) if name in known]

    def _lines(self, file: BinaryIO) -> Iterator[str]:
        """The lines with their ends, decoded; raises ``FileRefused`` for what is not UTF-8."""
        for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), start=1):
            line = raw
            if number == 1:
                if line.startswith(_UTF16_MARKS):
                    raise FileRefused(f"{self.path.name} is UTF-16: save it as UTF-8")
                line = line.removeprefix(_UTF8_MARK)
            if len(line) > LONGEST_LINE:
                raise FileRefused(f"line {number}: is longer than {LONGEST_LINE:,} bytes")
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                place = f"line {number}, byte {error.start + 1}"
                raise FileRefused(f"{place}: is not UTF-8: save the file as UTF-8") from error


def _records(lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV file, numbered from 1; raises ``FileRefused`` for what is none."""
    reader = csv.reader(lines, strict=True)
    number = 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FileRefused(f"row {number}: is not CSV as in RFC 4180: {error}") from error
        yield number, record


def _refuse_repeated(names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if "" in names:
        raise FileRefused(f"row 1: cell {names.index('') + 1} has no name")
    if repeated:
        raise FileRefused(f"row 1: {_columns(repeated)} more than once")


def _unknown(unknown: list[str], known: list[str]) -> str:
    nearest = get_close_matches(unknown[0].lower(), known, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    verb = "is" if len(unknown) == 1 else "are"
    return f"{_columns(unknown)} {verb} not known here{hint} (known: {', '.join(known)}; or use --ignore-unknown)"


def _columns(names: list[str]) -> str:
    return f"the column{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _is_missing(names: list[str]) -> str:
    return "is missing" if len(names) == 1 else "are missing"
