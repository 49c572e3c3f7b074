"""A report on its way into a file: what the writers are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO, Protocol

from services.reports.charts import Chart
from services.reports.columns import COLUMNS, TITLES, Column, Row
from services.reports.domain import as_of_day
from shared.clock import BUSINESS_ZONE, business_day
from shared.messages.fields import camel_case, number_of
from shared.messages.reports import (
    FILTER_SCHEMAS,
    GenerateReport,
    LiabilityFilters,
    ReportFilters,
    ReportType,
    ScoreFilters,
)

ALL = "all"


@dataclass(frozen=True, slots=True)
class Document:
    """A report whose rows come one by one; ``totals`` and ``charts`` may be asked once they are all written."""

    type: ReportType
    filters: ReportFilters
    today: date
    generated_at: datetime
    rows: Iterable[Row]
    totals: Callable[[], Row]
    charts: Callable[[], tuple[Chart, ...]]

    @property
    def title(self) -> str:
        """The report's name in words."""
        return TITLES[self.type]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of every row."""
        return COLUMNS[self.type]

    @property
    def filters_in_words(self) -> list[tuple[str, str]]:
        """Each filter that the report knows, with what it was set to."""
        return in_words(self.type, self.filters, self.today)

    @property
    def made_at(self) -> str:
        """When the report was made, as its reader's clock showed it."""
        return f"{self.generated_at.astimezone(BUSINESS_ZONE):%d %b %Y, %H:%M} (Nepal time)"

    @property
    def filters_in_json(self) -> dict[str, Any]:
        """The filters that were set, in camelCase."""
        return filters_json(self.filters)


class Writer(Protocol):
    """Writes a document as one format; ``file`` is new, opened for binary writing and seekable."""

    def __call__(self, document: Document, file: BinaryIO, /) -> int:
        """Write it all and return the number of rows, totals not counted."""


def filters_json(filters: ReportFilters) -> dict[str, Any]:
    """The filters that were set, in camelCase."""
    given = {each.name: getattr(filters, each.name) for each in fields(filters)}
    return {camel_case(name): _json_of(value) for name, value in given.items() if value is not None}


def filters_of_json(report: ReportType, stored: dict[str, Any]) -> ReportFilters:
    """What ``filters_json`` made, as filters again."""
    filters: ReportFilters = FILTER_SCHEMAS[report]().read(stored)
    return filters


def in_words(report: ReportType, filters: ReportFilters, today: date) -> list[tuple[str, str]]:
    """The filters as a reader sees them: each by its name, ``all`` where it wasn't set."""
    words = [_dates(report, filters, today)]
    words.append(("Retailer", filters.retailer_id or ALL))
    words.append(("City", filters.city or ALL))
    if isinstance(filters, ScoreFilters):
        words.append(("Credit score", _range(filters.min_score, filters.max_score)))
    if isinstance(filters, LiabilityFilters):
        words.append(("Overdue only", "yes" if filters.overdue_only else "no"))
        words.append(("At least", ALL if filters.min_amount is None else f"Rs. {filters.min_amount:,.2f}"))
    return words


_DATES = {
    ReportType.CREDIT_SUMMARY: "Payments made",
    ReportType.PURCHASE_VOLUME: "Orders created",
    ReportType.PAYMENT_DISCIPLINE: "Orders due",
}


def _dates(report: ReportType, filters: ReportFilters, today: date) -> tuple[str, str]:
    if report is ReportType.OUTSTANDING_LIABILITY:
        as_of = _day(as_of_day(filters.end_date, today))
        since = f", orders since {_day(filters.start_date)}" if filters.start_date else ""
        return ("As of", as_of + since)
    start, end = filters.start_date, filters.end_date
    return (_DATES[report], _range(start and _day(start), end and _day(end)))


def _range(first: object | None, last: object | None) -> str:
    if first is None and last is None:
        return ALL
    if last is None:
        return f"from {first}"
    return f"up to {last}" if first is None else f"{first} to {last}"


def _day(day: date) -> str:
    return f"{day:%d %b %Y}"


def _json_of(value: object) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return number_of(value) if isinstance(value, Decimal) else value


def document_of(
    job: GenerateReport,
    rows: Iterable[Row],
    totals: Callable[[], Row],
    charts: Callable[[], tuple[Chart, ...]],
    *,
    now: datetime,
) -> Document:
    """The document that ``job`` asks for."""
    return Document(job.type, job.filters, business_day(now), now, rows, totals, charts)
