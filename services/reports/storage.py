"""Where report files live: a folder under ``DATA_DIR``, reached through fsspec.

A file's place follows from its job's id, so that a retried job writes the same file. It is written elsewhere first
and moved into place when the report's row says so: nobody ever reads half a report.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import uuid4

import fsspec

from shared.messages.reports import ReportFormat

FOLDER = "reports"
_CHUNK = 1 << 20
_OWNER_ONLY = 0o700


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished file that is not yet in its place."""

    path: str
    checksum: str
    size_bytes: int


class ReportStorage:
    """The report files of one deployment."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / FOLDER
        # Reports hold phones and debts: nobody but the owner of the process looks into their folder.
        self._root.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        self._files: Any = fsspec.filesystem("file")

    def location_of(self, job_id: str, report_format: ReportFormat) -> str:
        """The place of a job's file, relative to ``DATA_DIR``; a job's id may hold anything, so its hash names it."""
        return f"{FOLDER}/{hashlib.sha256(job_id.encode()).hexdigest()[:32]}.{report_format.value}"

    @contextmanager
    def new_file(self) -> Iterator[BinaryIO]:
        """A file on this machine to write into; gone afterwards."""
        with tempfile.TemporaryFile(prefix="doko-report-") as file:
            yield cast("BinaryIO", file)

    def save_draft(self, file: BinaryIO) -> Draft:
        """Store what was written, under a name of its own."""
        path = str(self._root / f".{uuid4().hex}.draft")
        digest, size = hashlib.sha256(), 0
        file.seek(0)
        with self._files.open(path, "wb") as stored:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                stored.write(chunk)
        return Draft(path, digest.hexdigest(), size)

    def put_in_place(self, draft: Draft, location: str) -> None:
        """Move the draft to ``location``, over a file that an attempt without success left there."""
        self._files.mv(draft.path, self._path(location))

    def discard(self, draft: Draft) -> None:
        """Remove a draft, if it is still one."""
        if self._files.exists(draft.path):
            self._files.rm(draft.path)

    def open(self, location: str) -> BinaryIO:
        """The file at ``location``; FileNotFoundError if it is gone."""
        return cast("BinaryIO", self._files.open(self._path(location), "rb"))

    def remove(self, location: str) -> None:
        """Remove an expired file; one that is gone is no error."""
        if self._files.exists(self._path(location)):
            self._files.rm(self._path(location))

    def _path(self, location: str) -> str:
        return str(self._root / Path(location).name)
