"""PDF through Typst: the template ``report.typ`` beside this file reads the report as JSON.

Typst needs about 200 kB for a row. A long report is therefore set in parts, one after the other, each in a child
process, and joined. A child sees a folder of its own and our two fonts only, and texts arrive as data, never as
markup: no shop's name can reach anything else.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import orjson
import pypdfium2

from services.reports.charts import Chart
from services.reports.columns import Cell, Column, Kind, Row
from services.reports.document import Document
from services.reports.writers import typesetting
from services.reports.writers.xlsx_file import TONE_COLOURS

TEMPLATE = Path(__file__).with_name("report.typ")
ROWS_OF_A_PART = 2_500
PART_TIMEOUT_S = 120

# Typst breaks lines between words only: a long code may break anywhere. Never inside other scripts' clusters.
_LONG_WORD = re.compile(r"[!-~]{14}(?=[!-~])")


def write_pdf(document: Document, file: BinaryIO) -> int:
    """See ``document.Writer``."""
    with TemporaryDirectory(prefix="doko-pdf-") as name:
        folder = Path(name)
        shutil.copy(TEMPLATE, folder / "report.typ")
        numbers = [_write_rows(document.columns, part, _rows_of(folder, place)) for place, part in _parts(document)]
        pdf = _set(document, folder, max(1, len(numbers)), sum(numbers))
        try:
            pdf.save(file)
        finally:
            pdf.close()
    return sum(numbers)


def _parts(document: Document) -> Iterator[tuple[int, list[Row]]]:
    coming = iter(document.rows)
    number = 0
    while part := list(islice(coming, ROWS_OF_A_PART)):
        yield number, part
        number += 1


def _rows_of(folder: Path, part: int) -> Path:
    return folder / f"rows-{part}.json"


def _write_rows(columns: tuple[Column, ...], rows: Iterable[Row], path: Path) -> int:
    printed = [texts(columns, row) for row in rows]
    path.write_bytes(orjson.dumps(printed))
    return len(printed)


def _set(document: Document, folder: Path, parts: int, count: int) -> Any:
    """All parts as one PDF; each begins with the page after the last of the one before."""
    report = _report(document, count)
    whole: Any = None
    for part in range(parts):
        place = {
            "page": 1 if whole is None else len(whole) + 1,
            "isFirst": part == 0,
            "isLast": part == parts - 1,
            "rows": _rows_of(folder, part).name if count else None,
        }
        (folder / "report.json").write_bytes(orjson.dumps(report | place))
        _run(folder, int(document.generated_at.timestamp()))
        made = pypdfium2.PdfDocument((folder / typesetting.PDF).read_bytes())
        if whole is None:
            whole = made
        else:
            whole.import_pages(made)
            made.close()
    return whole


def _run(folder: Path, made_at: int) -> None:
    script = str(Path(typesetting.__file__))
    command = [sys.executable, "-I", script, str(folder), str(made_at)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PART_TIMEOUT_S, check=False)  # noqa: S603 - our own script
    if done.returncode:
        raise RuntimeError(f"the report could not be typeset (exit code {done.returncode})")


def _report(document: Document, count: int) -> dict[str, Any]:
    return {
        "title": document.title,
        "madeAt": document.made_at,
        "filters": document.filters_in_words,
        "columns": [
            {"heading": column.heading, "kind": column.kind.value, "right": column.is_number, "name": column.name}
            for column in document.columns
        ],
        "count": count,
        "totals": texts(document.columns, document.totals()),
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
