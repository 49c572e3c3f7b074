"""Each report's figures from rows of a real database."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from services.reports import punctuality, repository, volume
from services.reports.domain import Discipline
from shared.business import OrderState
from shared.database.models import Order, Payment
from shared.errors import Refused
from shared.messages.reports import LiabilityFilters, ReportType, ScoreFilters, VolumeFilters
from tests.integration.reports.office import TODAY, Office, days_ago

DELIVERED = OrderState.DELIVERED


def discipline_of(office: Office, retailer_id: int) -> tuple[Discipline, int]:
    with office.database.reader() as tx:
        return punctuality.disciplines(tx, [retailer_id], TODAY).get(retailer_id, (Discipline(), 0))


def test_discipline_counts_on_time_late_and_unpaid_but_not_what_is_not_yet_due(office: Office) -> None:
    shop = office.shop()
    office.order(shop, due_on=days_ago(30), paid=[(1_000, days_ago(30))])
    office.order(shop, OrderState.COMPLETED, due_on=days_ago(30), paid=[(400, days_ago(35)), (600, days_ago(20))])
    office.order(shop, due_on=days_ago(6), paid=[(999, days_ago(7))])
    office.order(shop, due_on=TODAY)
    office.order(shop, OrderState.DISPATCHED)
    row = office.row(ReportType.PAYMENT_DISCIPLINE)
    assert (row["dueOrders"], row["paidOnTime"], row["paidLate"], row["unpaidOverdue"]) == (3, 1, 1, 1)
    assert row["onTimePercent"] == 33.3
    assert row["averageDaysLate"] == 5.3


@pytest.mark.parametrize(
    ("paid_after_days", "expected"),
    [
        (-1, Discipline(on_time=1)),
        (0, Discipline(on_time=1)),
        (1, Discipline(late=1, days_late=1)),
        (40, Discipline(late=1, days_late=40)),
    ],
)
def test_a_fully_paid_order_is_on_time_up_to_its_due_date(
    office: Office, paid_after_days: int, expected: Discipline
) -> None:
    shop = office.shop()
    office.order(shop, due_on=days_ago(50), paid=[(600, days_ago(60)), (400, days_ago(50 - paid_after_days))])
    assert discipline_of(office, shop) == (expected, 0)


@pytest.mark.parametrize(
    ("days_past_due", "expected", "overdue_paisa"),
    [
        (-1, Discipline(), 0),
        (0, Discipline(), 0),
        (1, Discipline(unpaid=1, days_late=1), 100),
        (49, Discipline(unpaid=1, days_late=49), 100),
    ],
)
def test_an_order_not_fully_paid_counts_from_the_day_after_its_due_date(
    office: Office, days_past_due: int, expected: Discipline, overdue_paisa: int
) -> None:
    shop = office.shop()
    office.order(shop, due_on=days_ago(days_past_due), paid=[(999, days_ago(60))])
    assert discipline_of(office, shop) == (expected, overdue_paisa)


@pytest.mark.parametrize(
    ("utc", "expected"), [("18:14", Discipline(on_time=1)), ("18:15", Discipline(late=1, days_late=1))]
)
def test_a_payment_is_in_time_until_midnight_in_kathmandu(office: Office, utc: str, expected: Discipline) -> None:
    shop = office.shop()
    order = office.order(shop, due_on=days_ago(50), paid=[(1_000, days_ago(50))])
    with office.database.session() as tx:
        paid_at = datetime.fromisoformat(f"{days_ago(50)}T{utc}+00:00")
        tx.scalars(select(Payment).where(Payment.order_id == order)).one().paid_at = paid_at
    assert discipline_of(office, shop) == (expected, 0)


def test_an_order_that_cost_nothing_was_paid_on_time(office: Office) -> None:
    shop = office.shop()
    office.order(shop, rupees=0, due_on=days_ago(50))
    assert discipline_of(office, shop) == (Discipline(on_time=1), 0)


def test_an_order_paid_before_it_is_due_counts_already(office: Office) -> None:
    office.order(office.shop(), due_on=days_ago(-5), paid=[(1_000, TODAY)])
    assert office.row(ReportType.PAYMENT_DISCIPLINE)["paidOnTime"] == 1


def test_discipline_takes_orders_by_their_due_date_both_ends_included(office: Office) -> None:
    shop = office.shop()
    for days in (9, 10, 20, 21):
        office.order(shop, due_on=days_ago(days))
    chosen = ScoreFilters(start_date=days_ago(20), end_date=days_ago(10))
    assert office.row(ReportType.PAYMENT_DISCIPLINE, chosen)["dueOrders"] == 2


def test_a_reversed_payment_does_not_count(office: Office) -> None:
    shop = office.shop()
    order = office.order(shop, due_on=days_ago(5), paid=[(1_000, days_ago(6))])
    office.reversed_payment(order, 1_000, days_ago(1))
    assert office.row(ReportType.PAYMENT_DISCIPLINE)["paidOnTime"] == 1
    assert office.row(ReportType.CREDIT_SUMMARY)["payments"] == 1


def test_a_credit_summary_holds_limit_debt_score_payments_and_reliability(office: Office) -> None:
    shop = office.shop(debt_paisa=5_000_000, credit_score=720)
    office.order(shop, due_on=days_ago(30), paid=[(1_000, days_ago(30))])
    office.order(shop, due_on=days_ago(6), rupees=10_000)
    office.order(shop, OrderState.CANCELLED)
    office.order(shop, OrderState.DRAFT)
    row = office.row(ReportType.CREDIT_SUMMARY)
    assert (row["creditLimit"], row["availableCredit"], row["outstandingDebt"]) == (100_000, 50_000, 50_000)
    assert (row["creditScore"], row["scoreBand"], row["payments"], row["paidAmount"]) == (720, "Good", 1, 1_000)
    assert (row["onTimePercent"], row["averageDaysLate"]) == (50, 3)
    # Risk .40 (3/30 * 50 + 1/2 * 50) + .30 * 50 + .20 * 100/3 + .10 * 10 = 12 + 15 + 6.67 + 1 = 34.67
    # Rating 1.6 + 0.3 * 0.6533 * 5 + 0.3 * 0.5 * 5 = 1.6 + 0.98 + 0.75 = 3.33
    assert (row["reliabilityRating"], row["reliabilityGrade"]) == (3.33, "B")


def test_a_credit_summary_takes_payments_by_the_day_in_kathmandu(office: Office) -> None:
    shop = office.shop()
    office.order(shop, paid=[(100, date(2026, 10, 31)), (200, date(2026, 11, 1)), (300, date(2026, 11, 2))])
    row = office.row(ReportType.CREDIT_SUMMARY, ScoreFilters(start_date=date(2026, 11, 1), end_date=date(2026, 11, 1)))
    assert (row["payments"], row["paidAmount"]) == (1, 200)


@pytest.mark.parametrize(("low", "high", "kept"), [(640, 640, 1), (641, None, 0), (None, 639, 0), (None, None, 1)])
def test_a_score_range_keeps_both_its_ends(office: Office, low: int | None, high: int | None, kept: int) -> None:
    office.shop(credit_score=640)
    filters = ScoreFilters(min_score=low, max_score=high)
    assert office.content(ReportType.CREDIT_SUMMARY, filters)["rowCount"] == kept
    assert office.content(ReportType.PAYMENT_DISCIPLINE, filters)["rowCount"] == kept


def test_volume_leaves_out_drafts_and_cancelled_orders(office: Office) -> None:
    shop = office.shop()
    for state in OrderState:
        order = office.order(shop, state, created=days_ago(3))
        office.item(order, "Rice", 2, 400)
        office.item(order, "Salt", 10, 20)
    row = office.row(ReportType.PURCHASE_VOLUME)
    assert (row["orders"], row["orderValue"], row["averageOrderValue"]) == (6, 6_000, 1_000)
    assert [
        row[key] for key in ("confirmed", "vendorAssigned", "accepted", "dispatched", "delivered", "completed")
    ] == [1] * 6
    assert row["topProducts"] == "Rice (12), Salt (60)"


def test_volume_takes_orders_by_the_day_they_were_created(office: Office) -> None:
    shop = office.shop()
    for days in (9, 10, 20, 21):
        office.order(shop, created=days_ago(days))
    chosen = VolumeFilters(start_date=days_ago(20), end_date=days_ago(10))
    assert office.row(ReportType.PURCHASE_VOLUME, chosen)["orders"] == 2


def test_volume_by_month_is_by_the_month_in_kathmandu(office: Office) -> None:
    shop = office.shop()
    for instant in (datetime(2026, 10, 31, 18, 14, tzinfo=UTC), datetime(2026, 10, 31, 18, 15, tzinfo=UTC)):
        office.order(shop, OrderState.CONFIRMED, created_at=instant)
    with office.database.reader() as tx:
        months = volume.months(tx, [shop], None, None)
    assert months == {"2026-10": 100_000, "2026-11": 100_000}


def test_liability_is_split_by_age_and_leaves_out_what_is_no_debt(office: Office) -> None:
    shop = office.shop()
    for rupees, days in ((1, 0), (2, 1), (4, 30), (8, 31), (16, 60), (32, 61), (64, 90), (128, 91)):
        office.order(shop, rupees=rupees, due_on=days_ago(days))
    office.order(shop, OrderState.ACCEPTED, rupees=256)
    office.order(shop, OrderState.CONFIRMED, rupees=1_000)
    office.order(shop, OrderState.CANCELLED, rupees=1_000)
    office.order(shop, rupees=1_000, due_on=days_ago(5), paid=[(1_000, TODAY)])
    row = office.row(ReportType.OUTSTANDING_LIABILITY)
    keys = ("notYetDue", "days1To30", "days31To60", "days61To90", "over90Days")
    assert [row[key] for key in keys] == [257, 6, 24, 96, 128]
    assert row["outstanding"] == 511
    assert row["oldestDueOn"] == days_ago(91).isoformat()


def test_liability_as_of_a_day_forgets_what_was_paid_or_cancelled_later(office: Office) -> None:
    shop = office.shop()
    office.order(shop, rupees=1_000, due_on=days_ago(50), paid=[(300, days_ago(40)), (700, days_ago(10))])
    cancelled = office.order(shop, OrderState.CANCELLED, rupees=50)
    with office.database.session() as tx:
        order = tx.get_one(Order, cancelled)
        order.cancelled_at = order.created_at.replace(year=2027)
    office.order(shop, rupees=5, due_on=days_ago(-9), created=days_ago(1))
    row = office.row(ReportType.OUTSTANDING_LIABILITY, LiabilityFilters(end_date=days_ago(20)))
    assert (row["notYetDue"], row["days1To30"], row["outstanding"]) == (50, 700, 750)


def test_city_is_compared_without_case_and_totals_cover_the_rows(office: Office) -> None:
    for code, city in (("RET001", "Kathmandu"), ("RET002", "Pokhara"), ("RET003", "kathmandu"), ("RET004", None)):
        office.order(office.shop(code, city=city), due_on=days_ago(1))
    content = office.content(ReportType.OUTSTANDING_LIABILITY, LiabilityFilters(city="KATHMANDU"))
    assert [row["retailerCode"] for row in content["rows"]] == ["RET001", "RET003"]
    assert content["totals"]["outstanding"] == 2_000


def test_batches_leave_nobody_out_and_nobody_twice(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "BATCH", 2)
    codes = [f"RET{number:03d}" for number in range(5)]
    for code in reversed(codes):
        office.shop(code)
    content = office.content(ReportType.CREDIT_SUMMARY)
    assert [row["retailerCode"] for row in content["rows"]] == codes
    assert office.progress == [36, 72, 90, 100]


@pytest.mark.parametrize("report", list(ReportType))
def test_an_unknown_retailer_is_refused(office: Office, report: ReportType) -> None:
    filters = {
        ReportType.PURCHASE_VOLUME: VolumeFilters(retailer_id="RET404"),
        ReportType.OUTSTANDING_LIABILITY: LiabilityFilters(retailer_id="RET404"),
    }.get(report, ScoreFilters(retailer_id="RET404"))
    with pytest.raises(Refused, match="unknown"):
        office.make(report, filters)
