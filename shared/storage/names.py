"""What a report's file is called where people see it."""

from __future__ import annotations

from datetime import date

from shared.messages.reports import ReportFormat, ReportType


def download_name(report: ReportType, report_format: ReportFormat, day: date) -> str:
    """``outstanding-liability-2026-11-24.pdf``: the report and the business day on which it was made."""
    return f"{report.value.lower().replace('_', '-')}-{day.isoformat()}.{report_format.value}"
