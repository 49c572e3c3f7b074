"""Report files in a folder of this machine, or one that several machines have mounted."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from shared.storage.files import CHUNK_BYTES, Draft, digest_of

_OWNER_ONLY = 0o700
_DRAFT = ".draft"


class FolderStorage:
    """A ``ReportStorage`` in ``root``, which is made with the first file if it isn't there."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def save_draft(self, file: BinaryIO) -> Draft:
        """See ``ReportStorage``."""
        # Reports hold phones and debts: nobody but the owner of the process looks into their folder.
        self._root.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        name = f".{uuid4().hex}{_DRAFT}"
        checksum, size = digest_of(file)
        with (self._root / name).open("xb") as stored:
            shutil.copyfileobj(file, stored, CHUNK_BYTES)
            stored.flush()
            os.fsync(stored.fileno())
        return Draft(name, checksum, size)

    def put_in_place(self, draft: Draft, location: str) -> None:
        """See ``ReportStorage``."""
        (self._root / draft.name).replace(self._path(location))
        # The row that says READY must not outlive the name through a power loss.
        folder = os.open(self._root, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self, draft: Draft) -> None:
        """See ``ReportStorage``."""
        (self._root / draft.name).unlink(missing_ok=True)

    def open(self, location: str) -> BinaryIO:
        """See ``ReportStorage``."""
        return self._path(location).open("rb")

    def remove(self, location: str) -> None:
        """See ``ReportStorage``."""
        self._path(location).unlink(missing_ok=True)

    def remove_drafts(self, before: datetime) -> int:
        """See ``ReportStorage``."""
        removed = 0
        for draft in self._root.glob(f".*{_DRAFT}"):
            try:
                is_old = datetime.fromtimestamp(draft.stat().st_mtime, UTC) < before
            except FileNotFoundError:
                continue
            if is_old:
                draft.unlink(missing_ok=True)
                removed += 1
        return removed

    def _path(self, location: str) -> Path:
        return self._root / Path(location).name
