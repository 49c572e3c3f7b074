"""PDF through Typst: the template ``report.typ`` beside this file reads the report as JSON.

Typst needs about 200 kB for a row. A long report is therefore set in parts, one after the other, each in a child
process, and joined; the press works while later rows are still being gathered. A child sees a folder of its own and
our two fonts only, and texts arrive as data, never as markup: no shop's name can reach anything else.
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import orjson

from services.reports.charts import Chart
from services.reports.columns import Cell, Column, Kind, Row
from services.reports.document import Document
from services.reports.writers.press import Press
from services.reports.writers.xlsx_file import TONE_COLOURS
from shared.database.base import JsonObject

TEMPLATE = Path(__file__).with_name("report.typ")
ROWS_OF_A_PART = 2_500

# Typst breaks lines between words only: a long code may break anywhere. Never inside other scripts' clusters.
_LONG_WORD = re.compile(r"[!-~]{14}(?=[!-~])")


def write_pdf(document: Document, file: BinaryIO) -> int:
    """See ``document.Writer``."""
    with TemporaryDirectory(prefix="doko-pdf-") as name:
        folder = Path(name)
        shutil.copy(TEMPLATE, folder / "report.typ")
        with Press(folder, int(document.generated_at.timestamp())) as press:
            count = _print(document, folder, press)
            press.save(file)
    return count


def _print(document: Document, folder: Path, press: Press) -> int:
    """A short report goes to the press as a whole; of a long one the cover comes last: it sums up all rows."""
    pieces = _pieces(document, folder)
    last, count = next(pieces, (None, 0))
    is_long = False
    for following, rows in pieces:
        press.add(_part(document, last))
        last, count, is_long = following, count + rows, True
    sums = {
        "count": count,
        "totals": texts(document.columns, document.totals()),
        "charts": [_chart(chart) for chart in document.charts()],
    }
    if is_long:
        press.add(_part(document, last) | sums)
        last = None
    press.add_cover(_part(document, last) | sums | {"hasCover": True})
    return count


def _pieces(document: Document, folder: Path) -> Iterator[tuple[str, int]]:
    """The table's rows in files of ``folder``: each one's name, and how many rows it has."""
    coming = iter(document.rows)
    for number in itertools.count():
        rows = [texts(document.columns, row) for row in itertools.islice(coming, ROWS_OF_A_PART)]
        if not rows:
            return
        name = f"rows-{number}.json"
        (folder / name).write_bytes(orjson.dumps(rows))
        yield name, len(rows)


def _part(document: Document, rows: str | None) -> JsonObject:
    """What ``report.typ`` reads: a piece of the table without its sums, which may not be known yet."""
    return {
        "title": document.title,
        "madeAt": document.made_at,
        "filters": document.filters_in_words,
        "columns": [
            {"heading": column.heading, "kind": column.kind.value, "right": column.is_number, "name": column.name}
            for column in document.columns
        ],
        "rows": rows,
        "count": None,
        "totals": None,
        "charts": [],
        "hasCover": False,
    }


def texts(columns: tuple[Column, ...], row: Row) -> list[str]:
    """A row as it is printed: ``1,500.00``, ``12.5``, ``24 Nov 2026``."""
    return [_text(column.kind, cell) for column, cell in zip(columns, row, strict=True)]


def _text(kind: Kind, cell: Cell) -> str:
    match cell:
        case None:
            return "" if kind in {Kind.TEXT, Kind.LONG_TEXT} else "–"
        case Decimal():
            return f"{cell:,}"
        case date():
            return f"{cell:%d %b %Y}"
        case int():
            return f"{cell:,}"
        case str():
            return _LONG_WORD.sub("\\g<0>\u200b", cell)


def _chart(chart: Chart) -> dict[str, Any]:
    bars = [
        {"label": bar.label, "value": float(bar.value), "shown": _short(bar.value), "colour": TONE_COLOURS[bar.tone]}
        for bar in chart.bars
    ]
    return {"title": chart.title, "unit": chart.unit, "bars": bars}


def _short(value: int | Decimal) -> str:
    """An amount short enough to stand on a bar, in the words of the country: lakh and crore."""
    for size, word in ((10_000_000, "cr"), (100_000, "lakh")):
        if isinstance(value, Decimal) and value >= size:
            return f"{value / size:,.1f} {word}"
    return f"{value:,.0f}"
