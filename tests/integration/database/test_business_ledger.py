"""The ledger is append-only, whoever asks."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from shared.database import Database
from shared.database.models import LedgerEntry
from tests.integration.database.business_rows import a_credit, add_a_small_business

REPLACE = (
    "insert or replace into credit_ledger (id, retailer_id, kind, order_id, debit_paisa, credit_paisa, balance_paisa,"
    " at, recorded_at) select id, retailer_id, kind, order_id, 1, 0, 1, at, recorded_at from credit_ledger"
)


@pytest.fixture
def business(database: Database) -> Database:
    with database.session() as tx:
        add_a_small_business(tx)
    return database


def amounts(database: Database) -> list[tuple[int, int]]:
    with database.reader() as tx:
        entries = tx.scalars(select(LedgerEntry).order_by(LedgerEntry.id))
        return [(entry.debit_paisa, entry.credit_paisa) for entry in entries]


@pytest.mark.parametrize(
    "statement",
    ["update credit_ledger set debit_paisa = 1", "update credit_ledger set id = id", "delete from credit_ledger"],
)
def test_an_entry_is_never_changed_or_removed(business: Database, statement: str) -> None:
    with pytest.raises(IntegrityError, match="credit_ledger is append-only"), business.session() as tx:
        tx.execute(text(statement))

    assert amounts(business) == [(113_00, 0)]


def test_no_short_cut_removes_entries(business: Database) -> None:
    statement = REPLACE if business.is_sqlite else "truncate credit_ledger"

    with pytest.raises(IntegrityError, match="credit_ledger is append-only"), business.session() as tx:
        tx.execute(text(statement))

    assert amounts(business) == [(113_00, 0)]


def test_entries_are_added(business: Database) -> None:
    with business.session() as tx:
        tx.add(a_credit())

    assert amounts(business) == [(113_00, 0), (0, 1)]
