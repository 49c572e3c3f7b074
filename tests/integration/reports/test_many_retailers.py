"""A report's memory doesn't grow with the number of retailers, and neither does the number of queries of a batch."""

from __future__ import annotations

import tracemalloc

import pytest
from sqlalchemy import insert

from services.reports import repository
from shared.database import Database
from shared.database.models import Order, Retailer
from shared.messages.reports import ReportFormat, ReportType
from tests.integration.reports.office import NOW, Office, days_ago
from tests.kit.statements import statements

FEW, MANY = 200, 4_000
BATCH = 100
KB = 1024
MOST_GROWTH = 1_000 * KB
"""The file is read back in pieces, which may be this large. Rows that were kept would take four times as much."""


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that even a few retailers fill."""
    monkeypatch.setattr(repository, "BATCH", BATCH)


def fill(database: Database, first: int, last: int) -> None:
    """Retailers with numbers, each with an order that nobody paid."""
    numbers = range(first, last)
    order = {"state": "CONFIRMED", "confirmed_at": NOW, "created_at": NOW, "due_on": days_ago(40)}
    money = {"subtotal_paisa": 10_000, "tax_paisa": 1_300, "total_paisa": 11_300}
    with database.session() as tx:
        shop = {"shop_name": "Pasal", "phone": "+9779800000000", "credit_limit_paisa": 100}
        tx.execute(insert(Retailer), [{"id": number, "code": f"RET{number:05d}", **shop} for number in numbers])
        orders = [{"number": f"ORD{number:05d}", "retailer_id": number, **order, **money} for number in numbers]
        tx.execute(insert(Order), orders)


def peak_of(office: Office, report: ReportType, job_id: str) -> int:
    """The most memory that making the report took, in bytes."""
    tracemalloc.start()
    try:
        office.make(report, job_id=job_id, report_format=ReportFormat.CSV)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("report", list(ReportType))
def test_memory_is_the_same_for_4000_retailers_as_for_200(office: Office, report: ReportType) -> None:
    fill(office.database, 1, FEW + 1)
    peak_of(office, report, "reports-warm-up")
    few = peak_of(office, report, "reports-few")
    fill(office.database, FEW + 1, MANY + 1)

    many = peak_of(office, report, "reports-many")

    assert office.record("reports-many").row_count == MANY
    assert many - few < MOST_GROWTH


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("report", list(ReportType))
def test_a_batch_takes_as_many_queries_however_many_retailers_it_has(office: Office, report: ReportType) -> None:
    counts = []
    for first, last in ((1, 11), (11, BATCH + 1)):
        fill(office.database, first, last)
        with statements(office.database) as seen:
            office.make(report, job_id=f"reports-{last}", report_format=ReportFormat.CSV)
        counts.append(len([each for each in seen if "retailer" in each]))

    assert counts[0] == counts[1]
