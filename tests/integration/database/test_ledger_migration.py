"""The ledger comes forward to the revision that takes a key from it, and goes back, its rows and rules as they were."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from shared.database import Database
from shared.database.migrate import _config, migrate
from tests.integration.database import business_rows as rows

ENTRIES = text("select id, retailer_id, kind, debit_paisa, balance_paisa from credit_ledger order by id")
CHANGE = text("update credit_ledger set balance_paisa = 0")
REFERRED = {"orders", "payments"}


def test_the_ledger_keeps_its_rows_and_rules_forward_and_back(empty_database_url: str) -> None:
    migrate(empty_database_url, "0009")
    database = Database(empty_database_url)
    with database.session() as tx:
        rows.add_a_small_business(tx)
        before = tx.execute(ENTRIES).all()
    indexes = _indexes(database)
    assert before
    assert _referred(database) == {*REFERRED, "retailers"}

    migrate(empty_database_url)

    assert _referred(database) == REFERRED
    _still_holds(database, before, indexes)
    with database.engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")
    assert _referred(database) == {*REFERRED, "retailers"}
    _still_holds(database, before, indexes)
    database.dispose()


def test_an_entry_of_a_retailer_that_is_none_is_still_refused(database: Database) -> None:
    with database.session() as tx:
        rows.add_a_small_business(tx)
    with pytest.raises(IntegrityError), database.session() as tx:
        tx.add(rows.a_debit(retailer_id=999))


def _still_holds(database: Database, before: object, indexes: object) -> None:
    assert _indexes(database) == indexes
    with database.reader() as tx:
        assert tx.execute(ENTRIES).all() == before
    with pytest.raises(IntegrityError, match="credit_ledger is append-only"), database.session() as tx:
        tx.execute(CHANGE)


def _referred(database: Database) -> set[str]:
    return {key["referred_table"] for key in inspect(database.engine).get_foreign_keys("credit_ledger")}


def _indexes(database: Database) -> set[str | None]:
    return {index["name"] for index in inspect(database.engine).get_indexes("credit_ledger")}
