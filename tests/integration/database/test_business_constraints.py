"""Wrong states of the business don't fit into the tables, whoever writes them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import CheckConstraint, Table
from sqlalchemy.exc import IntegrityError

from shared.business import LedgerKind, OfferState, OrderState, PaymentStatus, ReportState
from shared.database import Database
from shared.database.base import Base
from tests.integration.database import business_rows as rows
from tests.integration.database.business_rows import NOW, TODAY

WRONG: dict[str, Base] = {
    "retailers_code_given": rows.a_retailer(code=""),
    "retailers_phone_is_e164": rows.a_retailer(phone="9800000000"),
    "retailers_language_known": rows.a_retailer(language="fr"),
    "retailers_limit_not_negative": rows.a_retailer(credit_limit_paisa=-1),
    "retailers_score_in_range": rows.a_retailer(credit_score=299),
    "retailers_terms_in_range": rows.a_retailer(terms_days=366),
    "vendors_code_given": rows.a_vendor(code=""),
    "vendors_phone_is_e164": rows.a_vendor(phone="+"),
    "vendors_language_known": rows.a_vendor(language="fr"),
    "vendors_rating_in_range": rows.a_vendor(rating_hundredths=501),
    "vendors_totals_not_negative": rows.a_vendor(completed_orders=-1),
    "products_code_given": rows.a_product(code=""),
    "stock_price_not_negative": rows.a_stock(price_paisa=-1),
    "stock_quantity_not_negative": rows.a_stock(quantity=-1),
    "number_sequences_value_not_negative": rows.a_sequence(value=-1),
    "orders_number_given": rows.an_order(number=""),
    "orders_state_known": rows.an_order(state="LOST"),
    "orders_payment_status_known": rows.an_order(payment_status="LOST"),
    "orders_cancelled_by_known": rows.an_order(**rows.CANCELLED | {"cancelled_by": "NOBODY"}),
    "orders_amounts_not_negative": rows.an_order(subtotal_paisa=126_00, tax_paisa=-13_00),
    "orders_total_is_the_sum": rows.an_order(total_paisa=113_01),
    "orders_paid_within_total": rows.an_order(paid_paisa=113_01, payment_status=PaymentStatus.PARTIAL),
    "orders_paid_is_paid": rows.an_order(paid_paisa=113_00, payment_status=PaymentStatus.PARTIAL),
    "orders_pending_is_unpaid": rows.an_order(paid_paisa=1),
    "orders_partial_is_part": rows.an_order(payment_status=PaymentStatus.PARTIAL),
    "orders_overdue_was_due": rows.an_order(payment_status=PaymentStatus.OVERDUE),
    "orders_due_date": rows.an_order(**rows.DELIVERED | {"due_on": None}),
    "orders_vendor_known": rows.an_order(**rows.ASSIGNED | {"vendor_id": None}),
    "orders_confirmed_time": rows.an_order(state=OrderState.CONFIRMED),
    "orders_confirmed_not_early": rows.an_order(confirmed_at=NOW),
    "orders_assigned_time": rows.an_order(**rows.ASSIGNED | {"assigned_at": None}),
    "orders_accepted_time": rows.an_order(**rows.ACCEPTED | {"accepted_at": None}),
    "orders_accepted_not_early": rows.an_order(**rows.CONFIRMED, accepted_at=NOW),
    "orders_dispatched_time": rows.an_order(**rows.DISPATCHED | {"dispatched_at": None}),
    "orders_dispatched_not_early": rows.an_order(**rows.ACCEPTED, dispatched_at=NOW),
    "orders_delivered_time": rows.an_order(**rows.DELIVERED | {"delivered_at": None}),
    "orders_delivered_not_early": rows.an_order(**rows.DISPATCHED, delivered_at=NOW),
    "orders_completed_time": rows.an_order(**rows.COMPLETED | {"completed_at": None}),
    "orders_completed_not_early": rows.an_order(**rows.CANCELLED, completed_at=NOW),
    "orders_cancelled_time": rows.an_order(**rows.CANCELLED | {"cancelled_at": None}),
    "orders_cancelled_not_early": rows.an_order(cancelled_at=NOW),
    "orders_cancelled_by_given": rows.an_order(**rows.CANCELLED | {"cancelled_by": None}),
    "orders_cancellation_is_of_cancelled": rows.an_order(cancel_reason="changed my mind"),
    "order_items_quantity_positive": rows.an_item(quantity=0),
    "order_items_price_not_negative": rows.an_item(unit_price_paisa=-1),
    "order_events_from_state_known": rows.an_event(from_state="LOST"),
    "order_events_to_state_known": rows.an_event(to_state="LOST"),
    "order_events_action_given": rows.an_event(action=""),
    "order_events_actor_given": rows.an_event(actor=""),
    "payments_number_given": rows.a_payment(number=""),
    "payments_amount_positive": rows.a_payment(amount_paisa=0),
    "payments_method_known": rows.a_payment(method="GOLD"),
    "payments_reversal_says_why": rows.a_payment(reversed_at=NOW),
    "credit_ledger_kind_known": rows.a_credit(kind="GIFT", payment_id=None, order_id=2),
    "credit_ledger_amounts_not_negative": rows.a_debit(credit_paisa=-1),
    "credit_ledger_debit_or_credit": rows.a_debit(credit_paisa=1),
    "credit_ledger_side_of_kind": rows.a_debit(kind=LedgerKind.ORDER_REVERSED),
    "credit_ledger_payment_of_kind": rows.a_debit(payment_id=1),
    "credit_ledger_about_something": rows.a_debit(order_id=None),
    "vendor_offers_attempt_positive": rows.an_offer(attempt=0),
    "vendor_offers_score_in_range": rows.an_offer(score_hundredths=10_001),
    "vendor_offers_state_known": rows.an_offer(state="LOST"),
    "vendor_offers_deadline_after_offer": rows.an_offer(deadline=NOW),
    "vendor_offers_pending_has_no_answer": rows.an_offer(answered_at=NOW),
    "vendor_offers_answer_has_time": rows.an_offer(state=OfferState.REJECTED),
    "routing_decisions_attempt_positive": rows.a_decision(attempt=0),
    "routing_decisions_explanation_given": rows.a_decision(explanation=""),
    "credit_scores_score_in_range": rows.a_score(score=901),
    "credit_scores_band_given": rows.a_score(band=""),
    "credit_scores_explanation_given": rows.a_score(explanation=""),
    "credit_scores_trigger_known": rows.a_score(trigger="boredom"),
    "reminders_type_known": rows.a_reminder(type="GENTLE"),
    "reports_type_known": rows.a_report(type="GOSSIP"),
    "reports_format_known": rows.a_report(format="docx"),
    "reports_state_known": rows.a_report(state="LOST", finished_at=NOW),
    "reports_owner_given": rows.a_report(owner=""),
    "reports_ready_has_file": rows.a_ready_report(location=None),
    "reports_finished_has_time": rows.a_report(state=ReportState.FAILED),
    "reports_checksum_is_sha256": rows.a_ready_report(checksum="abc"),
    "reports_counts_not_negative": rows.a_ready_report(size_bytes=-1),
    "reports_expires_after_creation": rows.a_ready_report(expires_at=NOW),
}

DOUBLE: dict[str, tuple[Base, ...]] = {
    "a retailer's code": (rows.a_retailer(code="RET001"),),
    "a vendor's code": (rows.a_vendor(code="VEN001"),),
    "a product's code": (rows.a_product(code="RICE-1KG"),),
    "a vendor's stock of a product": (rows.a_stock(vendor_id=1),),
    "an order's number": (rows.an_order(number="ORD2611000001"),),
    "a product in one order": (rows.an_item(product_id=1),),
    "a payment's number": (rows.a_payment(number="PAY001"),),
    "the debit of an order": (rows.a_debit(order_id=1),),
    "the credit of a payment": (rows.a_credit(), rows.a_credit()),
    "a vendor asked for an order": (rows.an_offer(order_id=1, state=OfferState.EXPIRED),),
    "a pending offer of an order": (rows.an_offer(order_id=1, vendor_id=2),),
    "an accepted offer of an order": (
        rows.an_offer(state=OfferState.ACCEPTED, answered_at=NOW),
        rows.an_offer(vendor_id=2, state=OfferState.ACCEPTED, answered_at=NOW),
    ),
    "the decision of a job": (rows.a_decision(), rows.a_decision()),
    "the score of a job": (rows.a_score(), rows.a_score()),
    "a reminder of a type on a day": (rows.a_reminder(), rows.a_reminder(job_id="reminder-2")),
    "the reminder of a job": (rows.a_reminder(), rows.a_reminder(business_day=TODAY + timedelta(days=1))),
    "the report of a job": (rows.a_report(), rows.a_report()),
    "a sequence": (rows.a_sequence(), rows.a_sequence()),
}

STRAY: dict[str, Base] = {
    "an order of no retailer": rows.an_order(retailer_id=9),
    "an order at no vendor": rows.an_order(vendor_id=9),
    "an item of no order": rows.an_item(order_id=9),
    "an item that is no product": rows.an_item(product_id=9),
    "an event of no order": rows.an_event(order_id=9),
    "stock of no vendor": rows.a_stock(vendor_id=9),
    "stock of no product": rows.a_stock(product_id=9),
    "a payment of another retailer's order": rows.a_payment(retailer_id=2),
    "a debit for another retailer's order": rows.a_debit(retailer_id=2),
    "a credit for another retailer's payment": rows.a_credit(retailer_id=2),
    "a ledger entry of no retailer": rows.a_debit(retailer_id=9),
    "an offer of no order": rows.an_offer(order_id=9),
    "an offer to no vendor": rows.an_offer(vendor_id=9),
    "a decision on no order": rows.a_decision(order_id=9),
    "a decision for no vendor": rows.a_decision(chosen_vendor_id=9),
    "a score of no retailer": rows.a_score(retailer_id=9),
    "a reminder of no retailer": rows.a_reminder(retailer_id=9),
}

RIGHT: tuple[Base, ...] = (
    *(rows.an_order(**state) for state in (rows.CONFIRMED, rows.ASSIGNED, rows.ACCEPTED, rows.DISPATCHED)),
    *(rows.an_order(**state) for state in (rows.DELIVERED, rows.COMPLETED, rows.CANCELLED, rows.PAID)),
    rows.an_order(**rows.COMPLETED | rows.PAID),
    rows.an_order(**rows.COMPLETED, payment_status=PaymentStatus.OVERDUE, paid_paisa=1),
    rows.an_order(**rows.DELIVERED | rows.CANCELLED | {"cancel_reason": "broken"}),
    rows.an_order(state=OrderState.COMPLETED, vendor_id=1, imported=True),
    rows.an_order(state=OrderState.CANCELLED, imported=True),
    rows.an_order(vendor_id=1),
    rows.an_order(subtotal_paisa=0, tax_paisa=0, total_paisa=0),
    rows.a_retailer(credit_score=900, terms_days=365, debt_paisa=-1),
    rows.a_vendor(rating_hundredths=500),
    rows.a_product(),
    rows.a_stock(price_paisa=0, quantity=0),
    rows.a_sequence(),
    rows.an_item(),
    rows.an_event(),
    rows.a_payment(reversed_at=NOW, reversal_reason="bounced"),
    rows.a_debit(),
    rows.a_credit(order_id=1),
    rows.a_debit(kind=LedgerKind.PAYMENT_REVERSED, payment_id=1, order_id=None),
    rows.an_offer(score_hundredths=10_000),
    rows.an_offer(order_id=1, vendor_id=2, state=OfferState.EXPIRED),
    rows.a_decision(chosen_vendor_id=1),
    rows.a_score(score=300),
    rows.a_reminder(),
    rows.a_report(),
    rows.a_ready_report(row_count=0),
)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def business(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A small business; no test here commits anything to it."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        url = f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('business') / 'doko.db')}"
    else:
        url = request.getfixturevalue("postgres_module_url")
    database = Database(url)
    with database.session() as tx:
        rows.add_a_small_business(tx)
    yield database
    database.dispose()


def add(database: Database, *wanted: Base) -> None:
    """Insert fresh copies of the rows one by one, then take everything back."""
    with database.session() as tx:
        for row in wanted:
            tx.add(copy(row))
            tx.flush()
        tx.rollback()


def copy(row: Base) -> Base:
    """The same row, fresh: a row belongs to one session."""
    columns = row.__mapper__.column_attrs.keys()
    return type(row)(**{name: row.__dict__[name] for name in columns if name in row.__dict__})


@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_state_is_refused(business: Database, name: str) -> None:
    with pytest.raises(IntegrityError, match=rf"ck_{name}\b"):
        add(business, WRONG[name])


@pytest.mark.parametrize("name", list(DOUBLE))
def test_what_exists_once_is_refused_twice(business: Database, name: str) -> None:
    *first, last = DOUBLE[name]
    add(business, *first)

    with pytest.raises(IntegrityError, match=r"(?i)unique constraint"):
        add(business, *first, last)


@pytest.mark.parametrize("name", list(STRAY))
def test_what_belongs_to_nothing_is_refused(business: Database, name: str) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key constraint"):
        add(business, STRAY[name])


@pytest.mark.parametrize("number", range(len(RIGHT)))
def test_a_right_state_is_taken(business: Database, number: int) -> None:
    add(business, RIGHT[number])


def test_no_check_is_left_untried() -> None:
    tables = [cast("Table", type(row).__table__) for row in (*WRONG.values(), *RIGHT)]
    checks = {str(rule.name) for table in tables for rule in table.constraints if isinstance(rule, CheckConstraint)}

    assert {f"ck_{name}" for name in WRONG} == checks
