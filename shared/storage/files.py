"""What every store of report files can do, and what is the same in all of them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import BinaryIO, Protocol, cast

from shared.errors import TransientError
from shared.messages.reports import ReportFormat

CHUNK_BYTES = 1 << 20

CONTENT_TYPES: Mapping[ReportFormat, str] = MappingProxyType(
    {
        ReportFormat.PDF: "application/pdf",
        ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ReportFormat.CSV: "text/csv; charset=utf-8",
        ReportFormat.JSON: "application/json",
    }
)


class StorageUnavailable(TransientError):
    """The store didn't do what it was asked for; a later try may succeed."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished file that is not yet in its place; ``checksum`` is the SHA-256 in lower-case hex."""

    name: str
    checksum: str
    size_bytes: int


class ReportStorage(Protocol):
    """The report files of one deployment. Every method raises ``StorageUnavailable`` or OSError when it can't."""

    def save_draft(self, file: BinaryIO) -> Draft:
        """Store what was written into ``file``, under a name of its own."""

    def put_in_place(self, draft: Draft, location: str) -> None:
        """Make the draft the file at ``location``, over one that an attempt without success left there."""

    def discard(self, draft: Draft) -> None:
        """Remove a draft, if it is still one."""

    def open(self, location: str) -> BinaryIO:
        """The file at ``location`` for reading, to be closed by the caller; FileNotFoundError if it is gone."""

    def remove(self, location: str) -> None:
        """Remove a file; one that is gone is no error."""

    def remove_drafts(self, before: datetime) -> int:
        """Remove the drafts that processes left behind which died before that instant (true time); returns how many."""


def location_of(job_id: str, report_format: ReportFormat) -> str:
    """The name of a job's file in the store; a job's id may hold anything, so its hash names it."""
    return f"{hashlib.sha256(job_id.encode()).hexdigest()[:32]}.{report_format.value}"


@contextmanager
def new_file() -> Iterator[BinaryIO]:
    """A file on this machine to write into; gone afterwards."""
    with tempfile.TemporaryFile(prefix="doko-report-") as file:
        yield cast("BinaryIO", file)


def digest_of(file: BinaryIO) -> tuple[str, int]:
    """The SHA-256 and the size of the whole file, which is left at its beginning."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    file.seek(0)
    return digest.hexdigest(), size
