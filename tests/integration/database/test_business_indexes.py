"""Each question that the services ask often has an index, on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, func, select, text

from shared.business import OPEN, OfferState, OrderState, PaymentStatus, ReportState
from shared.database import Database
from shared.database.models import (
    CreditScore,
    LedgerEntry,
    Order,
    OrderEvent,
    Payment,
    Reminder,
    Report,
    Retailer,
    RoutingDecision,
    Stock,
    VendorOffer,
)
from shared.messages.reminders import ReminderType
from tests.integration.database import business_rows as rows
from tests.integration.database.business_rows import NOW, TODAY

QUESTIONS: dict[str, Any] = {
    "ix_retailers_phone": select(Retailer.id).where(Retailer.phone == "+9779800000009"),
    "ix_orders_retailer_id_state": select(func.sum(Order.total_paisa)).where(
        Order.retailer_id == 1, Order.state.in_((OrderState.CONFIRMED, OrderState.VENDOR_ASSIGNED))
    ),
    "ix_orders_retailer_id_created_at": select(Order.state).where(Order.retailer_id == 1, Order.created_at >= NOW),
    "ix_orders_open": select(Order.vendor_id, func.count())
    .where(Order.state.in_(OPEN), Order.vendor_id.is_not(None))
    .group_by(Order.vendor_id),
    "ix_orders_vendor_id_accepted_at": select(func.count()).where(Order.vendor_id == 1, Order.accepted_at >= NOW),
    "ix_orders_unpaid": select(Order.retailer_id).where(
        Order.payment_status != PaymentStatus.PAID, Order.due_on <= TODAY
    ),
    "ix_order_events_order_id_id": select(OrderEvent.notes).where(OrderEvent.order_id == 1).order_by(OrderEvent.id),
    "ix_payments_order_id_paid_at": select(Payment.number).where(Payment.order_id == 1).order_by(Payment.paid_at),
    "ix_payments_retailer_id_paid_at": select(Payment.number).where(Payment.retailer_id == 1, Payment.paid_at >= NOW),
    "ix_credit_ledger_retailer_id_id": select(LedgerEntry.balance_paisa)
    .where(LedgerEntry.retailer_id == 1)
    .order_by(LedgerEntry.id.desc())
    .limit(1),
    "ix_credit_scores_retailer_id_calculated_at": select(CreditScore.score)
    .where(CreditScore.retailer_id == 1)
    .order_by(CreditScore.calculated_at.desc())
    .limit(1),
    "ix_stock_product_id_vendor_id": select(Stock.quantity).where(Stock.product_id.in_((1, 2))),
    "ix_vendor_offers_deadline": select(VendorOffer.attempt).where(
        VendorOffer.state == OfferState.PENDING, VendorOffer.deadline <= NOW
    ),
    "ix_vendor_offers_vendor_id_offered_at": select(VendorOffer.state).where(
        VendorOffer.vendor_id == 1, VendorOffer.offered_at >= NOW - timedelta(days=180)
    ),
    "ix_routing_decisions_order_id_id": select(RoutingDecision.explanation)
    .where(RoutingDecision.order_id == 1)
    .order_by(RoutingDecision.id),
    "uq_reminders_retailer_id_type_business_day": select(Reminder.orders).where(
        Reminder.retailer_id == 1, Reminder.type == ReminderType.OVERDUE, Reminder.business_day == TODAY
    ),
    "ix_reports_owner_id": select(Report.state).where(Report.owner == "sita").order_by(Report.id.desc()).limit(20),
    "ix_reports_expiring": select(Report.location).where(Report.state == ReportState.READY, Report.expires_at <= NOW),
    "ix_orders_manual_routing": select(Order.number).where(Order.needs_manual_routing).order_by(Order.id),
}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Two years of one retailer's orders, all from one vendor; no test here changes anything."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        url = f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('history') / 'doko.db')}"
    else:
        url = request.getfixturevalue("postgres_module_url")
    database = Database(url)
    with database.session() as tx:
        rows.add_a_small_business(tx)
        tx.add_all(completed_order(days_ago) for days_ago in range(2, 730))
        tx.flush()
        tx.execute(text("analyze orders"))
    yield database
    database.dispose()


def completed_order(days_ago: int) -> Order:
    at = NOW - timedelta(days=days_ago)
    times = {"created_at": at, "confirmed_at": at, "accepted_at": at, "due_on": at.date()}
    return rows.an_order(number=f"ORD{days_ago}", **rows.COMPLETED | rows.PAID | times)


def plan_of(database: Database, question: Select[Any]) -> str:
    """What the database would do; PostgreSQL if the tables had more rows than a look at all of them is worth."""
    explain = "explain query plan" if database.is_sqlite else "explain"
    with database.reader() as tx:
        if not database.is_sqlite:
            for way in ("seqscan", "bitmapscan"):
                tx.execute(text(f"set local enable_{way} = off"))
        compiled = question.compile(database.engine, compile_kwargs={"literal_binds": True})
        return "\n".join(str(row) for row in tx.execute(text(f"{explain} {compiled}")))


@pytest.mark.parametrize("index", list(QUESTIONS))
def test_a_frequent_question_uses_its_index(history: Database, index: str) -> None:
    plan = plan_of(history, QUESTIONS[index])

    # SQLite names the index of a unique constraint itself.
    is_unnamed = index.startswith("uq_") and history.is_sqlite
    assert ("sqlite_autoindex_reminders_" if is_unnamed else index) in plan
