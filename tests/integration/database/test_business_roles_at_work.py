"""The services' own statements run with the rights of their roles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.orm import Session

from services.credit import repository as credit
from services.reports import records, volume
from services.reports import repository as reports
from shared.database import Database
from shared.database.roles import grant_roles
from shared.messages.reports import GenerateReport, ReportFormat, ReportType, VolumeFilters
from tests.integration.database import business_rows as rows
from tests.integration.database.business_rows import NOW, TODAY
from tests.kit.roles import url_as


@pytest.fixture
def granted(postgres_url: str) -> str:
    """The URL of a small business whose roles are granted."""
    with open_database(postgres_url) as owner, owner.session() as tx:
        rows.add_a_small_business(tx)
    grant_roles(postgres_url)
    return postgres_url


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    database = Database(url, pool_size=1)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def acting_as(role: str, url: str) -> Iterator[Session]:
    """A transaction with the role's rights."""
    with open_database(url_as(role, url)) as database, database.session() as tx:
        yield tx


def test_the_credit_service_reads_a_history(granted: str) -> None:
    with acting_as("doko_credit", granted) as tx:
        account = credit.lock_account(tx, "RET001")
        history = credit.history(tx, account, TODAY)

    assert history.accepted == 1


def test_the_reports_service_reads_orders_and_keeps_its_reports(granted: str) -> None:
    job = GenerateReport(ReportType.PURCHASE_VOLUME, ReportFormat.CSV, user_id="sita")

    with acting_as("doko_reports", granted) as tx:
        records.begin(tx, "report-1", job, {}, now=NOW)
        records.lock(tx, "report-1")
        bought = list(volume.purchases(tx, [1], None, None))

        assert (reports.count_retailers(tx, VolumeFilters()), len(bought)) == (2, 1)
