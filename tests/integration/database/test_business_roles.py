"""On PostgreSQL each process has a role of its own, with only the rights it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from gateway.cli import main
from shared.database import Database
from shared.database.base import Base
from shared.database.models import CreditScore, LedgerEntry, Retailer, WhatsAppMessage
from shared.database.rights import RIGHTS
from shared.database.roles import grant_roles
from shared.errors import ConfigurationError
from tests.integration.database import business_rows as rows
from tests.kit.roles import url_as

UPDATE_SCORE = "update retailers set credit_score = 540"

ALLOWED = [
    ("doko_credit", UPDATE_SCORE),
    ("doko_credit", "select id from retailers for no key update"),
    ("doko_routing", "select id from orders for update"),
    ("doko_routing", "update vendor_offers set state = 'EXPIRED'"),
    ("doko_orders", "update retailers set debt_paisa = 1"),
    ("doko_orders", "update stock set quantity = 1"),
    ("doko_orders", "update orders set due_on = '2026-12-24'"),
    ("doko_reminders", "select orders from reminders"),
    ("doko_reports", "select count(*) from orders join payments on payments.order_id = orders.id"),
    ("doko_gateway", "update retailers set credit_limit_paisa = 1"),
    ("doko_gateway", "delete from order_items"),
    ("doko_gateway", "delete from client_limits"),
    ("doko_scheduler", "delete from processed_jobs"),
    ("doko_scheduler", "delete from job_events"),
    ("doko_scheduler", "update audit_chains set anchor_seq = 0"),
    ("doko_gateway", "select seq from audit_chains for update"),
    ("doko_scheduler", "update orders set payment_status = 'PENDING'"),
    ("doko_whatsapp", "delete from conversation_windows"),
    *((role, "select version_num from alembic_version") for role in RIGHTS),
]

DENIED = [
    ("doko_whatsapp", "insert into credit_scores (score) values (900)"),
    ("doko_whatsapp", "select score from credit_scores"),
    ("doko_whatsapp", UPDATE_SCORE),
    ("doko_whatsapp", "select number from orders"),
    ("doko_credit", "update retailers set debt_paisa = 0"),
    ("doko_credit", "update credit_scores set score = 900"),
    ("doko_credit", "select body from whatsapp_messages"),
    ("doko_routing", "update orders set paid_paisa = total_paisa"),
    ("doko_routing", "insert into vendor_offers (attempt) values (1)"),
    ("doko_orders", UPDATE_SCORE),
    ("doko_orders", "update orders set total_paisa = 1"),
    ("doko_orders", "delete from payments"),
    ("doko_reminders", "update orders set paid_paisa = 0"),
    ("doko_reports", "insert into payments (number) values ('PAY9')"),
    ("doko_gateway", "update retailers set debt_paisa = 0"),
    ("doko_gateway", "insert into credit_ledger (debit_paisa) values (1)"),
    ("doko_scheduler", "select token_hash from api_tokens"),
    *((role, "select requests_per_minute from client_limits") for role in RIGHTS if role != "doko_gateway"),
    *((role, f"{action} credit_ledger") for role in RIGHTS for action in ("delete from", "truncate")),
    *((role, "create table mine (id integer)") for role in RIGHTS),
    *((role, "select token_hash from api_tokens") for role in RIGHTS if role != "doko_gateway"),
    *((role, "delete from operator_log") for role in RIGHTS),
    *((role, "update operator_log set actor = 'nobody'") for role in RIGHTS),
    *((role, "update job_events set event = 'nothing'") for role in RIGHTS),
    *((role, "delete from audit_chains") for role in RIGHTS),
    *((role, "delete from job_events") for role in RIGHTS if role != "doko_scheduler"),
    *((role, "update audit_chains set anchor_seq = 0") for role in RIGHTS if role != "doko_scheduler"),
]


@pytest.fixture(scope="module")
def granted(postgres_module_url: str) -> str:
    """The URL of a small business whose roles are granted; tests take back what they do."""
    database = Database(postgres_module_url)
    with database.session() as tx:
        rows.add_a_small_business(tx)
    database.dispose()
    grant_roles(postgres_module_url)
    return postgres_module_url


@contextmanager
def acting_as(role: str, url: str) -> Iterator[Session]:
    """A transaction with the role's rights, rolled back at its end."""
    database = Database(url_as(role, url), pool_size=1)
    try:
        with database.session() as tx:
            yield tx
            tx.rollback()
    finally:
        database.dispose()


@pytest.mark.parametrize(("role", "statement"), ALLOWED)
def test_a_role_may_do_its_work(granted: str, role: str, statement: str) -> None:
    with acting_as(role, granted) as tx:
        tx.execute(text(statement))


@pytest.mark.parametrize(("role", "statement"), DENIED)
def test_a_role_may_do_nothing_else(granted: str, role: str, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), acting_as(role, granted) as tx:
        tx.execute(text(statement))


@pytest.mark.parametrize(
    ("role", "row"),
    [
        ("doko_credit", rows.a_score()),
        ("doko_orders", rows.a_debit()),
        ("doko_orders", rows.an_offer()),
        ("doko_routing", rows.a_decision()),
        ("doko_reminders", rows.a_reminder()),
        ("doko_reports", rows.a_report()),
        ("doko_gateway", rows.an_order()),
    ],
)
def test_a_role_adds_the_rows_of_its_service(granted: str, role: str, row: Base) -> None:
    with acting_as(role, granted) as tx:
        tx.add(row)
        tx.flush()
        tx.expunge(row)


def test_the_whatsapp_service_cannot_write_scores_through_the_models_either(granted: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), acting_as("doko_whatsapp", granted) as tx:
        tx.execute(insert(CreditScore).values(retailer_id=1, score=900, job_id="whatsapp-1"))


def test_what_the_table_no_longer_says_is_taken_back(postgres_url: str) -> None:
    grant_roles(postgres_url)
    database = Database(postgres_url)
    with database.session() as tx:
        tx.execute(text("grant all on credit_scores to doko_whatsapp"))
        tx.execute(text("grant update (credit_score) on retailers to doko_whatsapp"))
    database.dispose()

    assert grant_roles(postgres_url) == list(RIGHTS)

    for query in (select(CreditScore), select(Retailer.credit_score), select(LedgerEntry)):
        with pytest.raises(ProgrammingError, match="permission denied"), acting_as("doko_whatsapp", postgres_url) as tx:
            tx.execute(query)
    with acting_as("doko_whatsapp", postgres_url) as tx:
        assert tx.scalars(select(WhatsAppMessage)).all() == []


def test_an_operator_grants_them_from_the_command_line(postgres_url: str) -> None:
    outcome = CliRunner().invoke(main, ["roles", "grant"], env={"DATABASE_URL": postgres_url})

    assert (outcome.exit_code, outcome.output.split()) == (0, list(RIGHTS))


def test_the_command_line_says_that_sqlite_has_none(sqlite_url: str) -> None:
    outcome = CliRunner().invoke(main, ["roles", "grant"], env={"DATABASE_URL": sqlite_url})

    assert outcome.exit_code == 1
    assert "SQLite has no roles" in outcome.output


def test_sqlite_has_no_roles(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no roles"):
        grant_roles(f"sqlite:///{tmp_path / 'doko.db'}")


def test_the_table_of_rights_names_every_table_and_only_columns_that_exist() -> None:
    assert {table for rights in RIGHTS.values() for table in rights} == set(Base.metadata.tables)
    for rights in RIGHTS.values():
        for table, right in rights.items():
            assert set(right.update) <= set(Base.metadata.tables[table].columns.keys())


def test_nobody_may_change_the_ledger() -> None:
    rights = [rights["credit_ledger"] for rights in RIGHTS.values() if "credit_ledger" in rights]

    assert not any(right.update or right.delete for right in rights)
