"""The four files, read back."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pypdfium2
import pytest

from services.reports.columns import COLUMNS
from services.reports.writers import WRITERS, pdf_file
from services.reports.writers.csv_file import harmless
from services.reports.writers.pdf_file import write_pdf
from shared.messages.reports import ReportFormat, ReportType, VolumeFilters
from tests.unit.services.reports.builders import a_document

TYPES = list(ReportType)
NEPALI = "प्रज्ञा श्री स्टोर"


def written(document_format: ReportFormat, report: ReportType, *names: str) -> bytes:
    file = io.BytesIO()
    assert WRITERS[document_format](a_document(report, names), file) == len(names)
    return file.getvalue()


@pytest.mark.parametrize("report", TYPES)
def test_csv_has_headings_in_words_then_rows_then_totals(report: ReportType) -> None:
    lines = list(csv.reader(io.StringIO(written(ReportFormat.CSV, report, NEPALI).decode(), newline="")))
    assert lines[0] == [column.heading for column in COLUMNS[report]]
    assert lines[1][:3] == ["RET001", NEPALI, "+9779800000000"]
    assert lines[2][:2] == ["Total", "1 retailer"]
    assert len(lines) == 3


def test_csv_ends_its_lines_and_quotes_as_rfc_4180_says() -> None:
    content = written(ReportFormat.CSV, ReportType.PAYMENT_DISCIPLINE, 'A "b", c').decode()
    assert content.splitlines(keepends=True)[1] == 'RET001,"A ""b"", c",+9779800000000,4,2,1,1,50.0,2.5\r\n'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠", "  ="])
def test_a_text_that_could_be_a_formula_is_neutralised(start: str) -> None:
    assert harmless(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("text", ["+9779800000000", "Shop = Best", "A-1", "", NEPALI])
def test_harmless_texts_and_phones_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_a_phone_with_anything_else_is_not_trusted() -> None:
    assert harmless("+977+1") == "'+977+1"


def test_a_shop_with_a_formula_for_a_name_is_harmless_in_csv_and_xlsx() -> None:
    name = '=HYPERLINK("http://example.com","x")'
    assert b"'=HYPERLINK" in written(ReportFormat.CSV, ReportType.CREDIT_SUMMARY, name)
    book = openpyxl.load_workbook(io.BytesIO(written(ReportFormat.XLSX, ReportType.CREDIT_SUMMARY, name)))
    cell = book["Credit Summary"]["B2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (name, "s", None)


@pytest.mark.parametrize("report", TYPES)
@pytest.mark.parametrize("names", [(), ("One",), ("One", NEPALI)])
def test_json_is_one_object_in_camel_case(report: ReportType, names: tuple[str, ...]) -> None:
    content = json.loads(written(ReportFormat.JSON, report, *names))
    assert content["type"] == report.value
    assert content["generatedAt"] == "2026-11-24T06:30:00Z"
    assert content["rowCount"] == len(names)
    assert [row["shopName"] for row in content["rows"]] == list(names)
    keys = [column.key for column in COLUMNS[report]]
    assert all(list(row) == keys for row in content["rows"])
    assert list(content["totals"]) == keys[3:]


def test_json_holds_numbers_days_and_the_filters_that_were_set() -> None:
    file = io.BytesIO()
    WRITERS[ReportFormat.JSON](a_document(ReportType.PURCHASE_VOLUME, filters=VolumeFilters(city="Pokhara")), file)
    content = json.loads(file.getvalue())
    assert content["filters"] == {"city": "Pokhara"}
    assert content["rows"][0]["averageOrderValue"] == 333.33
    liability = json.loads(written(ReportFormat.JSON, ReportType.OUTSTANDING_LIABILITY, "One"))
    assert liability["rows"][0]["days1To30"] == 2
    assert liability["rows"][0]["oldestDueOn"] == "2026-11-24"


@pytest.mark.parametrize("report", TYPES)
def test_xlsx_has_a_frozen_header_and_a_native_chart(report: ReportType) -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(ReportFormat.XLSX, report, NEPALI, "Two")))
    rows, summary = book.worksheets
    assert rows.freeze_panes == "C2"
    assert [cell.value for cell in rows[1]] == [column.heading for column in COLUMNS[report]]
    assert [rows["B2"].value, rows["B3"].value, rows["A4"].value] == [NEPALI, "Two", "Total"]
    assert summary["A1"].value == rows.title
    assert len(summary._charts) >= 1


def test_xlsx_holds_real_numbers_and_days_with_their_formats() -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(ReportFormat.XLSX, ReportType.OUTSTANDING_LIABILITY, "One")))
    rows = book.worksheets[0]
    assert (rows["D2"].value, rows["D2"].number_format) == (102.39, "#,##0.00")
    assert (rows["J2"].value, rows["J2"].number_format) == (datetime(2026, 11, 24), "yyyy-mm-dd")  # noqa: DTZ001 - Excel's
    assert rows["D3"].font.bold


@pytest.mark.slow
@pytest.mark.parametrize("report", TYPES)
def test_pdf_has_title_filters_totals_charts_table_and_page_numbers(report: ReportType) -> None:
    pages = pages_of(written(ReportFormat.PDF, report, "One", "Two"))
    words = " ".join(pages[0].split())
    assert {"City: all", "24 Nov 2026, 12:15 (Nepal time)", "Page 1 of 2"} <= set(_parts_of(words))
    assert "Retailer" in pages[1]
    assert "One" in pages[1]
    assert "Total" in pages[1]
    assert "Page 2 of 2" in pages[1]


@pytest.mark.slow
def test_a_pdf_without_rows_says_so() -> None:
    (page,) = pages_of(written(ReportFormat.PDF, ReportType.CREDIT_SUMMARY))
    assert "No retailer matches these filters." in page


@pytest.mark.slow
def test_a_long_pdf_is_set_in_parts_whose_pages_count_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_file, "ROWS_OF_A_PART", 40)
    names = [f"Shop {number:03d}" for number in range(100)]
    pages = pages_of(written(ReportFormat.PDF, ReportType.PAYMENT_DISCIPLINE, *names))
    assert [f"Page {number}" in page for number, page in enumerate(pages, start=1)] == [True] * len(pages)
    text = "".join(pages)
    assert all(text.count(name) == 1 for name in names)
    assert [page for page in pages if "100 retailers" in page] == [pages[-1]]


@pytest.mark.slow
@pytest.mark.parametrize("report", TYPES)
def test_a_long_pdf_has_one_page_of_cover(monkeypatch: pytest.MonkeyPatch, report: ReportType) -> None:
    monkeypatch.setattr(pdf_file, "ROWS_OF_A_PART", 2)
    document = a_document(report, ["One", "Two", "Three"])
    document = replace(document, filters=replace(document.filters, city="Lalitpur " * 11, retailer_id="R" * 64))
    file = io.BytesIO()
    write_pdf(document, file)
    cover, table, *_ = pages_of(file.getvalue())
    assert all(chart.title in cover for chart in document.charts())
    assert "One" in table


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "gaps"), [(900, 1), (1_100, 2)])
def test_only_a_piece_of_many_rows_is_set_as_two_runs_of_pages(
    monkeypatch: pytest.MonkeyPatch, rows: int, gaps: int
) -> None:
    monkeypatch.setattr(pdf_file, "ROWS_OF_A_PART", rows)
    names = [f"Shop {number:04d}" for number in range(rows + 1)]
    _, *table = pages_of(written(ReportFormat.PDF, ReportType.PAYMENT_DISCIPLINE, *names))
    lengths = [page.count("Shop 0") + page.count("Shop 1") for page in table]
    assert sum(length < max(lengths) for length in lengths) == gaps + 1  # one more: the last piece's only row
    assert sum(lengths) == rows + 1


@pytest.mark.slow
def test_a_part_that_can_not_be_set_fails_the_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "report.typ"
    broken.write_text("#let")
    monkeypatch.setattr(pdf_file, "TEMPLATE", broken)
    monkeypatch.setattr(pdf_file, "ROWS_OF_A_PART", 1)
    file = io.BytesIO()
    with pytest.raises(RuntimeError, match=r"could not be typeset \(exit code 1\)"):
        write_pdf(a_document(ReportType.CREDIT_SUMMARY, ["One", "Two", "Three"]), file)
    assert file.getvalue() == b""


@pytest.mark.slow
def test_a_name_that_looks_like_markup_is_only_text() -> None:
    pages = pages_of(written(ReportFormat.PDF, ReportType.CREDIT_SUMMARY, '#read("/etc/hosts") *x* $1$'))
    assert '#read("/etc/hosts")' in "".join(pages[1].replace("\u200b", "").split())


@pytest.mark.parametrize("document_format", [ReportFormat.CSV, ReportFormat.JSON, ReportFormat.XLSX])
def test_memory_stays_flat_with_the_number_of_rows(document_format: ReportFormat) -> None:
    def peak(rows: int) -> int:
        class Nowhere(io.BytesIO):
            def write(self, data: object, /) -> int:
                return len(memoryview(data))  # type: ignore[arg-type]

        def names() -> Iterator[str]:
            return (f"Shop {number}" for number in range(rows))

        file = io.BytesIO() if document_format is ReportFormat.XLSX else Nowhere()
        tracemalloc.start()
        WRITERS[document_format](a_document(ReportType.PAYMENT_DISCIPLINE, names()), file)
        size = tracemalloc.get_traced_memory()[1] - len(file.getvalue())
        tracemalloc.stop()
        return size

    peak(100)
    assert peak(4_000) < peak(400) + 400_000


def pages_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def _parts_of(words: str) -> Iterator[str]:
    for part in ("City: all", "24 Nov 2026, 12:15 (Nepal time)", "Page 1 of 2"):
        if part in words:
            yield part
