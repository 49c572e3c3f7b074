"""XLSX in constant memory: a sheet of rows with real numbers, and a sheet with filters, totals and native charts.

In constant memory a sheet is written from top to bottom and never looked at again: the rows go out as they come.
Texts are always written as texts, never as formulas or links.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, BinaryIO

import xlsxwriter

from services.reports.charts import Chart, Tone
from services.reports.columns import Cell, Column, Kind, Row
from services.reports.document import Document

_NUMBER_FORMATS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.COUNT: "#,##0",
        Kind.MONEY: "#,##0.00",
        Kind.PERCENT: "0.0",
        Kind.DAYS: "0.0",
        Kind.RATING: "0.00",
        Kind.DATE: "yyyy-mm-dd",
    }
)
_WIDTHS: Mapping[Kind, int] = MappingProxyType(
    {Kind.TEXT: 16, Kind.LONG_TEXT: 60, Kind.COUNT: 11, Kind.MONEY: 17, Kind.PERCENT: 12, Kind.DAYS: 12, Kind.RATING: 9}
)
_DEFAULT_WIDTH = 14
_SHOP_WIDTH = 30
TONE_COLOURS: Mapping[Tone, str] = MappingProxyType(
    {
        Tone.PLAIN: "#1F4E79",
        Tone.GOOD: "#2E7D5B",
        Tone.FAIR: "#8DB36B",
        Tone.WARNING: "#E3B341",
        Tone.BAD: "#D9803B",
        Tone.WORST: "#B23A48",
    }
)
_HEADER = {"bold": True, "font_color": "white", "bg_color": "#1F4E79", "text_wrap": True, "valign": "vcenter"}
_TOTALS = {"bold": True, "top": 1, "bg_color": "#EAF0F6"}
_CHART_ROWS = 18
_SUMMARY_HEADINGS: Mapping[str, str] = MappingProxyType({"shop_name": "Retailers", "credit_score": "Mean Credit Score"})


def write_xlsx(document: Document, file: BinaryIO) -> int:
    """See ``document.Writer``."""
    with TemporaryDirectory(prefix="doko-xlsx-") as folder:
        options = {
            "constant_memory": True,
            "tmpdir": folder,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "remove_timezone": True,
        }
        book = xlsxwriter.Workbook(file, options)
        book.set_properties({"title": document.title, "company": "Doko", "created": document.generated_at})
        count = _Sheets(book, document).write()
        book.close()
    return count


class _Sheets:
    def __init__(self, book: Any, document: Document) -> None:
        self._book = book
        self._document = document
        self._formats = {kind: self._format(kind, {}) for kind in Kind}
        self._bold = {kind: self._format(kind, _TOTALS) for kind in Kind}

    def _format(self, kind: Kind, look: dict[str, Any]) -> Any:
        number = {"num_format": _NUMBER_FORMATS[kind]} if kind in _NUMBER_FORMATS else {}
        return self._book.add_format({**look, **number})

    def write(self) -> int:
        rows = self._book.add_worksheet(self._document.title)
        count = self._rows(rows)
        self._summary(self._book.add_worksheet("Summary"), self._document.totals())
        return count

    def _rows(self, sheet: Any) -> int:
        columns = self._document.columns
        header = self._book.add_format(_HEADER)
        right = self._book.add_format({**_HEADER, "align": "right"})
        for index, column in enumerate(columns):
            sheet.set_column(index, index, _width(column))
        sheet.freeze_panes(1, 2)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&RPage &P of &N")
        sheet.set_row(0, 32)
        for index, column in enumerate(columns):
            sheet.write_string(0, index, column.heading, right if column.is_number else header)
        count = 0
        for count, row in enumerate(self._document.rows, start=1):
            self._row(sheet, count, row, self._formats)
        self._row(sheet, count + 1, self._document.totals(), self._bold)
        sheet.autofilter(0, 0, max(1, count), len(columns) - 1)
        return count

    def _row(self, sheet: Any, number: int, row: Row, formats: Mapping[Kind, Any]) -> None:
        for index, (column, cell) in enumerate(zip(self._document.columns, row, strict=True)):
            _write(sheet, number, index, cell, formats[column.kind])

    def _summary(self, sheet: Any, totals: Row) -> None:
        """Title, filters and totals, then for each chart its numbers with the chart beside them."""
        bold = self._book.add_format({"bold": True})
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, 24)
        sheet.hide_gridlines(2)
        sheet.write_string(0, 0, self._document.title, self._book.add_format({"bold": True, "font_size": 16}))
        line = 1
        for name, value in (("Generated", self._document.made_at), *self._document.filters_in_words):
            line += 1
            sheet.write_string(line, 0, name, bold)
            sheet.write_string(line, 1, value)
        line += 1
        for column, cell in zip(self._document.columns, totals, strict=True):
            if cell is not None and column.name != "retailer_code":
                line += 1
                sheet.write_string(line, 0, _SUMMARY_HEADINGS.get(column.name, column.heading), bold)
                _write(sheet, line, 1, cell, self._formats[column.kind])
        for chart in self._document.charts():
            line = self._chart(sheet, line + 2, chart, bold)

    def _chart(self, sheet: Any, top: int, chart: Chart, bold: Any) -> int:
        """Write a chart from line ``top`` on; returns the last line that it needs."""
        sheet.write_string(top, 0, chart.title, bold)
        sheet.write_string(top, 1, chart.unit, bold)
        for offset, bar in enumerate(chart.bars, start=1):
            sheet.write_string(top + offset, 0, bar.label)
            _write(sheet, top + offset, 1, bar.value, self._formats[chart.kind])
        first, last = top + 1, top + len(chart.bars)
        drawing = self._book.add_chart({"type": "column"})
        drawing.add_series(
            {
                "name": chart.title,
                "categories": ["Summary", first, 0, last, 0],
                "values": ["Summary", first, 1, last, 1],
                "points": [{"fill": {"color": TONE_COLOURS[bar.tone]}} for bar in chart.bars],
                "gap": 60,
            }
        )
        drawing.set_title({"name": chart.title, "name_font": {"size": 12}})
        drawing.set_legend({"none": True})
        drawing.set_y_axis({"name": chart.unit, "num_format": "#,##0", "major_gridlines": {"visible": True}})
        drawing.set_size({"width": 720, "height": 340})
        sheet.insert_chart(top, 3, drawing)
        return max(last, top + _CHART_ROWS)


def _width(column: Column) -> int:
    return _SHOP_WIDTH if column.name == "shop_name" else _WIDTHS.get(column.kind, _DEFAULT_WIDTH)


def _write(sheet: Any, line: int, index: int, cell: Cell, look: Any) -> None:
    match cell:
        case None:
            sheet.write_blank(line, index, None, look)
        case str():
            sheet.write_string(line, index, cell, look)
        case int() | Decimal():
            sheet.write_number(line, index, float(cell), look)
        case date():
            sheet.write_datetime(line, index, cell, look)
