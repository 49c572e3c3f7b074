"""Whatever comes in, in whatever order: the ledger sums up to the debt, and an order's payments to what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from shared.business import OrderState, PaymentStatus, was_accepted
from shared.database.models import Order, OrderEvent, Payment, Retailer, Vendor
from shared.master import OrderRow, PaymentRow, Result, import_orders, import_payments
from shared.money import to_paisa
from tests.integration.importing.office import Office

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
AT = NOW - timedelta(days=30)
RETAILERS = ("RET001", "RET002", "RET003")

_AMOUNTS = st.decimals(0, 5_000, places=2)


@st.composite
def _orders(draw: st.DrawFn) -> list[OrderRow]:
    rows = []
    for number in range(draw(st.integers(1, 8))):
        state = draw(st.sampled_from(OrderState))
        accepted = AT if state is OrderState.CANCELLED and draw(st.booleans()) else None
        retailer, total = draw(st.sampled_from(RETAILERS)), draw(_AMOUNTS)
        rows.append(OrderRow(f"ORD{number}", retailer, total, "VEN001", state, created_at=AT, accepted_at=accepted))
    return rows


_payments = st.lists(
    st.tuples(st.integers(0, 9), _AMOUNTS.filter(bool), st.booleans()).map(
        lambda drawn: PaymentRow("", f"ORD{drawn[0]}", drawn[1], AT, reversed=drawn[2])
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_ledger_sums_up_to_the_debt_in_whatever_order_rows_come(office: Office, data: st.DataObject) -> None:
    orders = data.draw(_orders())
    payments = [replace(row, number=f"PAY{i}") for i, row in enumerate(data.draw(_payments))]
    batches = data.draw(st.permutations(orders)), data.draw(st.permutations(payments))
    size = data.draw(st.integers(1, 5))

    with office.database.session() as tx:
        _empty(tx, is_sqlite=office.database.is_sqlite)
    for at in range(0, len(orders), size):
        with office.database.session() as tx:
            import_orders(tx, batches[0][at : at + size], NOW)
    stored: list[PaymentRow] = []
    for at in range(0, len(payments), size):
        batch = batches[1][at : at + size]
        with office.database.session() as tx:
            outcomes = import_payments(tx, batch, NOW)
        stored += [row for row, outcome in zip(batch, outcomes, strict=True) if outcome.result is Result.CREATED]

    assert office.debts() == {code: _debt(code, orders, stored) for code in RETAILERS}
    _assert_orders_agree(office)


def _debt(code: str, orders: list[OrderRow], payments: list[PaymentRow]) -> int:
    mine = {row.number: row for row in orders if row.retailer_code == code}
    owed = sum(to_paisa(row.total) for row in mine.values() if was_accepted(row.status))
    paid = sum((row.amount for row in payments if row.order_number in mine and not row.reversed), Decimal(0))
    return owed - to_paisa(paid)


def _assert_orders_agree(office: Office) -> None:
    paid: dict[int, int] = {}
    for order_id, amount, reversed_at in office.rows(Payment, "order_id", "amount_paisa", "reversed_at"):
        paid[order_id] = paid.get(order_id, 0) + (amount if reversed_at is None else 0)
    for order_id, total, settled, status in office.rows(Order, "id", "total_paisa", "paid_paisa", "payment_status"):
        assert settled == paid.get(order_id, 0) <= total
        assert (status is PaymentStatus.PAID) == (settled == total)


def _empty(tx: Session, *, is_sqlite: bool) -> None:
    """Begin again: retailers that owe nothing, and a vendor."""
    if is_sqlite:
        # The ledger is append-only; a test may do what nobody else may.
        for trigger in tx.scalars(text("select name from sqlite_master where type = 'trigger'")).all():
            tx.execute(text(f"drop trigger {trigger}"))
        for table in ("credit_ledger", Payment.__tablename__, OrderEvent.__tablename__, Order.__tablename__):
            tx.execute(text(f"delete from {table}"))  # noqa: S608 - names of our tables
    else:
        tx.execute(text("alter table credit_ledger disable trigger user"))
        tx.execute(text("truncate credit_ledger, payments, order_events, orders cascade"))
    tx.execute(delete(Vendor))
    tx.execute(delete(Retailer))
    tx.add(Vendor(code="VEN001", business_name="Thok", phone="+9779811111111"))
    tx.add_all(Retailer(code=code, shop_name="Kirana", phone="+9779800000000") for code in RETAILERS)
