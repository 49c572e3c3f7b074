"""One writer for each format; ``writer_of`` names it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from services.reports.document import Writer
from services.reports.writers.csv_file import write_csv
from services.reports.writers.json_file import write_json
from services.reports.writers.pdf_file import write_pdf
from services.reports.writers.xlsx_file import write_xlsx
from shared.messages.reports import ReportFormat

WRITERS: Mapping[ReportFormat, Writer] = MappingProxyType(
    {
        ReportFormat.PDF: write_pdf,
        ReportFormat.XLSX: write_xlsx,
        ReportFormat.CSV: write_csv,
        ReportFormat.JSON: write_json,
    }
)
