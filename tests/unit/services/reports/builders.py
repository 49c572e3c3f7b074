"""Facts and documents for tests: each says only what matters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from services.reports.builders.credit_summary import CreditSummary
from services.reports.builders.outstanding_liability import OutstandingLiability
from services.reports.builders.payment_discipline import PaymentDiscipline
from services.reports.builders.protocol import Builder
from services.reports.builders.purchase_volume import PurchaseVolume
from services.reports.columns import COLUMNS, Row
from services.reports.document import Document
from services.reports.domain import Discipline
from services.reports.facts import (
    Bought,
    CreditFacts,
    DisciplineFacts,
    Facts,
    LiabilityFacts,
    SalesFacts,
    Shop,
    VolumeFacts,
)
from shared.messages.reports import LiabilityFilters, ReportFilters, ReportType, ScoreFilters, VolumeFilters

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
SHOP = Shop("RET001", "श्री लक्ष्मी किराना पसल", "+9779800000000")

FACTS: dict[ReportType, Facts] = {
    ReportType.CREDIT_SUMMARY: CreditFacts(
        SHOP,
        limit_paisa=10_000_000,
        debt_paisa=5_000_000,
        overdue_paisa=1_000_000,
        score=720,
        payments=12,
        paid_paisa=123_456,
        discipline=Discipline(on_time=7, late=2, unpaid=1, days_late=60),
        orders=20,
        cancelled=1,
    ),
    ReportType.PURCHASE_VOLUME: VolumeFacts(
        SHOP,
        by_state={"CONFIRMED": 1, "COMPLETED": 2},
        value_paisa=100_000,
        products=(Bought("Rice", 1_200, 60_000), Bought("Salt", 5, 40_000)),
    ),
    ReportType.PAYMENT_DISCIPLINE: DisciplineFacts(SHOP, Discipline(on_time=2, late=1, unpaid=1, days_late=10)),
    ReportType.OUTSTANDING_LIABILITY: LiabilityFacts(SHOP, (10_000, 200, 30, 4, 5), NOW.date()),
}
SALES = SalesFacts({"2026-08": 50_000, "2026-11": 50_000}, {"Rice": 60_000, "Salt": 40_000})
FILTERS: dict[ReportType, ReportFilters] = {
    ReportType.CREDIT_SUMMARY: ScoreFilters(),
    ReportType.PURCHASE_VOLUME: VolumeFilters(),
    ReportType.PAYMENT_DISCIPLINE: ScoreFilters(),
    ReportType.OUTSTANDING_LIABILITY: LiabilityFilters(),
}


def a_builder(report: ReportType, filters: ReportFilters | None = None) -> Builder[Any]:
    """The builder of a report."""
    match report:
        case ReportType.CREDIT_SUMMARY:
            return CreditSummary()
        case ReportType.PURCHASE_VOLUME:
            return PurchaseVolume()
        case ReportType.PAYMENT_DISCIPLINE:
            return PaymentDiscipline()
        case ReportType.OUTSTANDING_LIABILITY:
            return OutstandingLiability(filters if isinstance(filters, LiabilityFilters) else LiabilityFilters())


def a_document(report: ReportType, names: Iterable[str] = ("Shop",), filters: ReportFilters | None = None) -> Document:
    """A report of shops with these names, all with the facts above."""
    builder = a_builder(report, filters)
    if report is ReportType.PURCHASE_VOLUME:
        builder.row(SALES)
    facts: Any = FACTS[report]
    rows = (builder.row(replace(facts, shop=replace(SHOP, name=name))) for name in names)
    kept = (row for row in rows if row is not None)
    return Document(report, filters or FILTERS[report], NOW.date(), NOW, kept, builder.totals, builder.charts)


def by_name(report: ReportType, row: Row) -> dict[str, object]:
    """A row by the names of its columns."""
    return {column.name: cell for column, cell in zip(COLUMNS[report], row, strict=True)}
