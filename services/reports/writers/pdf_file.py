"""PDF through Typst: the template ``report.typ`` beside this file reads the report as JSON.

Rows go to a file as they come; Typst lays them out in its own memory, outside Python's. It sees a folder of its
own and our two fonts only, so that no text of a row can reach anything else: texts arrive as data, never as markup.
"""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import fontpkg_noto_sans
import fontpkg_noto_sans_devanagari
import orjson
import typst

from services.reports.charts import Chart
from services.reports.columns import Cell, Column, Kind, Row
from services.reports.document import Document
from services.reports.writers.xlsx_file import TONE_COLOURS

TEMPLATE = Path(__file__).with_name("report.typ")


def write_pdf(document: Document, file: BinaryIO) -> int:
    """See ``document.Writer``."""
    with TemporaryDirectory(prefix="doko-pdf-") as name:
        folder = Path(name)
        shutil.copy(TEMPLATE, folder / "report.typ")
        with (folder / "rows.json").open("wb") as rows:
            count = _write_rows(document, rows)
        (folder / "report.json").write_bytes(orjson.dumps(_report(document, count)))
        pdf = folder / "report.pdf"
        made_at = document.generated_at
        typst.compile(
            folder / "report.typ", output=pdf, root=folder, font_paths=_fonts(), format="pdf", timestamp=made_at
        )
        with pdf.open("rb") as made:
            shutil.copyfileobj(made, file)
    return count


@cache
def _fonts() -> typst.Fonts:
    folders = [package.ROOT / "files" for package in (fontpkg_noto_sans, fontpkg_noto_sans_devanagari)]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def _write_rows(document: Document, file: BinaryIO) -> int:
    count = 0
    file.write(b"[")
    for row in document.rows:
        file.write(b",\n" if count else b"\n")
        file.write(orjson.dumps(texts(document.columns, row)))
        count += 1
    file.write(b"]\n")
    return count


def _report(document: Document, count: int) -> dict[str, Any]:
    totals = texts(document.columns, document.totals())
    return {
        "title": document.title,
        "madeAt": document.made_at,
        "filters": document.filters_in_words,
        "columns": [
            {"heading": column.heading, "kind": column.kind.value, "right": column.is_number, "name": column.name}
            for column in document.columns
        ],
        "count": count,
        "totals": totals,
        "charts": [_chart(chart) for chart in document.charts()],
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
            return cell


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
