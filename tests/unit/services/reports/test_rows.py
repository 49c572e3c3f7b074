"""Rows, totals and charts of each report."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from services.reports.charts import latest_months
from services.reports.columns import COLUMNS
from services.reports.document import in_words
from services.reports.domain import Discipline
from services.reports.facts import CreditFacts, DisciplineFacts, LiabilityFacts, VolumeFacts
from shared.messages.reports import LiabilityFilters, ReportType, ScoreFilters, VolumeFilters
from tests.unit.services.reports.builders import FACTS, NOW, SHOP, a_builder, by_name

TYPES = list(ReportType)


@pytest.mark.parametrize("report", TYPES)
def test_every_report_begins_with_code_shop_and_phone(report: ReportType) -> None:
    assert [column.heading for column in COLUMNS[report][:3]] == ["Retailer Code", "Shop Name", "Phone"]


@pytest.mark.parametrize("report", TYPES)
def test_rows_and_totals_have_a_cell_for_every_column(report: ReportType) -> None:
    builder = a_builder(report)
    assert len(builder.totals()) == len(COLUMNS[report])
    assert len(builder.row(FACTS[report]) or ()) == len(COLUMNS[report])


@pytest.mark.parametrize("report", TYPES)
def test_the_totals_of_one_retailer_are_its_own_figures(report: ReportType) -> None:
    builder = a_builder(report)
    row = by_name(report, builder.row(FACTS[report]) or ())
    totals = by_name(report, builder.totals())
    for name in ("retailer_code", "shop_name", "phone", "reliability_rating", "reliability_grade", "top_products"):
        row.pop(name, None)
        totals.pop(name, None)
    assert totals == row


@pytest.mark.parametrize("report", TYPES)
def test_a_report_without_rows_has_totals_and_no_charts(report: ReportType) -> None:
    builder = a_builder(report)
    assert builder.totals()[:3] == ("Total", "0 retailers", None)
    assert builder.charts() == ()


def test_a_credit_summary_shows_the_rating_calculated_by_hand() -> None:
    row = by_name(
        ReportType.CREDIT_SUMMARY, a_builder(ReportType.CREDIT_SUMMARY).row(FACTS[ReportType.CREDIT_SUMMARY]) or ()
    )
    assert row["available_credit"] == Decimal("50000.00")
    assert row["utilisation_percent"] == Decimal("50.0")
    assert row["score_band"] == "Good"
    assert row["on_time_percent"] == Decimal("70.0")
    assert row["average_days_late"] == Decimal("6.0")
    assert row["reliability_rating"] == Decimal("3.75")
    assert row["reliability_grade"] == "B+"


def test_the_score_of_the_totals_is_the_mean_of_those_that_have_one() -> None:
    builder = a_builder(ReportType.CREDIT_SUMMARY)
    for score in (600, 701, None):
        builder.row(CreditFacts(SHOP, score=score))
    assert by_name(ReportType.CREDIT_SUMMARY, builder.totals())["credit_score"] == 651


def test_the_score_chart_counts_every_scored_retailer_once() -> None:
    builder = a_builder(ReportType.CREDIT_SUMMARY)
    for score in (300, 349, 350, 849, 850, 900, None):
        builder.row(CreditFacts(SHOP, score=score))
    distribution, bands = builder.charts()
    counted = {bar.label: bar.value for bar in distribution.bars if bar.value}
    assert counted == {"300-349": 2, "350-399": 1, "800-849": 1, "850-900": 2}
    assert sum(int(bar.value) for bar in bands.bars) == 6


def test_purchase_volume_sums_states_and_names_the_best_products() -> None:
    row = by_name(
        ReportType.PURCHASE_VOLUME, a_builder(ReportType.PURCHASE_VOLUME).row(FACTS[ReportType.PURCHASE_VOLUME]) or ()
    )
    assert row["orders"] == 3
    assert row["order_value"] == Decimal("1000.00")
    assert row["average_order_value"] == Decimal("333.33")
    assert (row["confirmed"], row["accepted"], row["completed"]) == (1, 0, 2)
    assert row["top_products"] == "Rice (1,200), Salt (5)"


def test_a_retailer_without_orders_has_no_average() -> None:
    row = by_name(ReportType.PURCHASE_VOLUME, a_builder(ReportType.PURCHASE_VOLUME).row(VolumeFacts(SHOP)) or ())
    assert (row["orders"], row["average_order_value"], row["top_products"]) == (0, None, None)


def test_months_without_orders_are_shown_and_only_two_years_of_them() -> None:
    assert latest_months({"2026-11": 5, "2026-01": 1, "2025-12": 2})[:3] == [
        ("2025-12", 2),
        ("2026-01", 1),
        ("2026-02", 0),
    ]
    assert len(latest_months({"2020-01": 1, "2026-11": 5})) == 24


@pytest.mark.parametrize(
    ("days", "label"),
    [
        (0, "On time"),
        (1, "Up to 7 days"),
        (7, "Up to 7 days"),
        (8, "Up to 15 days"),
        (15, "Up to 15 days"),
        (16, "Up to 30 days"),
        (30, "Up to 30 days"),
        (31, "Over 30 days"),
    ],
)
def test_a_retailer_is_charted_by_its_average_lateness(days: int, label: str) -> None:
    builder = a_builder(ReportType.PAYMENT_DISCIPLINE)
    builder.row(DisciplineFacts(SHOP, Discipline(late=1, days_late=days)))
    assert [bar.label for bar in builder.charts()[1].bars if bar.value] == [label]


@pytest.mark.parametrize(("least", "kept"), [("102.38", True), ("102.39", True), ("102.40", False)])
def test_min_amount_keeps_who_owes_that_much_or_more(least: str, kept: bool) -> None:  # noqa: FBT001 - a table's column
    builder = a_builder(ReportType.OUTSTANDING_LIABILITY, LiabilityFilters(min_amount=Decimal(least)))
    assert (builder.row(FACTS[ReportType.OUTSTANDING_LIABILITY]) is not None) is kept


def test_overdue_only_leaves_out_who_owes_nothing_overdue() -> None:
    builder = a_builder(ReportType.OUTSTANDING_LIABILITY, LiabilityFilters(overdue_only=True))
    assert builder.row(LiabilityFacts(SHOP, (100, 0, 0, 0, 0))) is None
    assert builder.row(LiabilityFacts(SHOP, (0, 1, 0, 0, 0))) is not None
    assert builder.totals()[1] == "1 retailer"


def test_the_oldest_due_date_of_the_totals_is_the_oldest_of_all() -> None:
    builder = a_builder(ReportType.OUTSTANDING_LIABILITY)
    for day in (date(2026, 9, 2), None, date(2026, 8, 1), date(2026, 10, 1)):
        builder.row(LiabilityFacts(SHOP, (1, 0, 0, 0, 0), day))
    assert builder.totals()[-1] == date(2026, 8, 1)


def test_the_ten_largest_debts_are_charted_largest_first() -> None:
    builder = a_builder(ReportType.OUTSTANDING_LIABILITY)
    for amount in (*range(100, 1_300, 100), 0):
        builder.row(LiabilityFacts(SHOP, (amount, 0, 0, 0, 0)))
    assert [bar.value for bar in builder.charts()[1].bars] == [Decimal(n) for n in range(12, 2, -1)]


def test_filters_are_told_in_words() -> None:
    volume = VolumeFilters(start_date=date(2026, 11, 1), end_date=date(2026, 11, 24), city="Pokhara")
    assert in_words(ReportType.PURCHASE_VOLUME, volume, NOW.date()) == [
        ("Orders created", "01 Nov 2026 to 24 Nov 2026"),
        ("Retailer", "all"),
        ("City", "Pokhara"),
    ]
    score = ScoreFilters(min_score=400, end_date=date(2026, 11, 24))
    assert ("Credit score", "from 400") in in_words(ReportType.CREDIT_SUMMARY, score, NOW.date())
    assert ("Payments made", "up to 24 Nov 2026") in in_words(ReportType.CREDIT_SUMMARY, score, NOW.date())
    liability = LiabilityFilters(min_amount=Decimal(1500), overdue_only=True)
    assert in_words(ReportType.OUTSTANDING_LIABILITY, liability, NOW.date()) == [
        ("As of", "24 Nov 2026"),
        ("Retailer", "all"),
        ("City", "all"),
        ("Overdue only", "yes"),
        ("At least", "Rs. 1,500.00"),
    ]
