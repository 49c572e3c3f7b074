"""Sets a report's parts with Typst, each in a child process, while the rows of later ones are still being gathered."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import orjson
import pypdfium2
from typing_extensions import override

from services.reports.writers import typesetting
from shared.database.base import JsonObject

PART_TIMEOUT_S = 120

COVER_PAGES = 1
"""``report.typ`` fits charts and totals into what the page has."""


class Press(AbstractContextManager["Press"]):
    """Makes one PDF of a cover and pieces of a table, which are given as ``report.typ`` reads them, without their page.

    One part is set at a time, since it begins with the page after the last one before it. What a part fails with is
    raised by a later call.
    """

    def __init__(self, folder: Path, made_at: int) -> None:
        self._folder = folder
        self._made_at = made_at
        self._whole: Any = None
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="typesetter")
        self._coming: list[Future[None]] = []

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Whoever gave up on the report doesn't wait for the part that is being set.
        if error is not None and self._child is not None:
            self._child.kill()
        self._thread.shutdown(cancel_futures=True)
        if self._whole is not None:
            self._whole.close()

    def add(self, piece: JsonObject) -> None:
        """Set a piece of the table after those before it."""
        self._submit(self._add, piece)

    def add_cover(self, cover: JsonObject) -> None:
        """Set the cover, in front of everything, once what it sums up is known."""
        self._submit(self._add_cover, cover)

    def save(self, file: BinaryIO) -> None:
        """Write the PDF once all parts are set."""
        for part in self._coming:
            part.result()
        self._whole.save(file)

    def _submit(self, setting: Callable[[JsonObject], None], part: JsonObject) -> None:
        for done in self._coming:
            if done.done():
                done.result()
        self._coming.append(self._thread.submit(setting, part))

    def _add(self, piece: JsonObject) -> None:
        if self._whole is None:
            self._whole = self._set(piece, COVER_PAGES + 1)
            return
        pages = len(self._whole)
        made = self._set(piece, COVER_PAGES + pages + 1)
        self._whole.import_pages(made, index=pages)
        made.close()

    def _add_cover(self, cover: JsonObject) -> None:
        made = self._set(cover, 1)
        if self._whole is None:
            self._whole = made
            return
        self._whole.import_pages(made, index=0)
        made.close()

    def _set(self, part: JsonObject, page: int) -> Any:
        (self._folder / "report.json").write_bytes(orjson.dumps(part | {"page": page}))
        self._run()
        return pypdfium2.PdfDocument((self._folder / typesetting.PDF).read_bytes())

    def _run(self) -> None:
        command = [sys.executable, "-I", typesetting.__file__, str(self._folder), str(self._made_at)]
        nowhere = subprocess.DEVNULL
        with subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere) as child:  # noqa: S603 - our own script
            self._child = child
            try:
                code = child.wait(PART_TIMEOUT_S)
            finally:
                child.kill()
        if code:
            raise RuntimeError(f"the report could not be typeset (exit code {code})")
