"""CSV as in RFC 4180: UTF-8, CRLF, quoted where needed, heading first, totals last.

A spreadsheet runs a text that begins like a formula. Such a text gets an apostrophe in front, which spreadsheets
take as "this is text". A phone number (a plus and digits only) can't be a formula and stays as it is.
"""

from __future__ import annotations

import csv
import io
import re
from typing import BinaryIO

from services.reports.columns import Cell
from services.reports.document import Document

_FORMULA = re.compile(r"\s*[=+\-@|%＝＋－＠]|[\t\r\n]")
_PHONE = re.compile(r"\+[0-9]{1,15}", re.ASCII)


def write_csv(document: Document, file: BinaryIO) -> int:
    """See ``document.Writer``."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow([column.heading for column in document.columns])
    count = 0
    for row in document.rows:
        lines.writerow([cell_text(cell) for cell in row])
        count += 1
    lines.writerow([cell_text(cell) for cell in document.totals()])
    text.flush()
    text.detach()
    return count


def cell_text(cell: Cell) -> str:
    """A cell as CSV shows it: numbers with a point and no separators, days as ISO 8601, texts made harmless."""
    if cell is None:
        return ""
    return harmless(cell) if isinstance(cell, str) else str(cell)


def harmless(text: str) -> str:
    """``text``, with an apostrophe in front if a spreadsheet could take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _PHONE.fullmatch(text) else text
