"""What the service reads and writes: orders, stock, the ledger, the history.

Every function works in the caller's transaction. Rows are locked in one order everywhere: retailer, order, stock
by product; so two actions on one order, or two confirms of one retailer, run one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.orders import domain
from shared import bookkeeping
from shared.business import LedgerKind, OrderState
from shared.clock import business_day
from shared.database.models import (
    LedgerEntry,
    Order,
    OrderEvent,
    OrderItem,
    Payment,
    Product,
    Retailer,
    Stock,
    Vendor,
)
from shared.messages.orders import OrderAction

_PROMISED = (OrderState.CONFIRMED, OrderState.VENDOR_ASSIGNED)
"""The states whose totals count against the limit and are not yet in the debt."""


@dataclass(frozen=True, slots=True)
class Line:
    """One item of an order."""

    product_id: int
    product: str
    name: str
    quantity: int
    unit_price_paisa: int


def lock(tx: Session, number: str) -> tuple[Retailer, Order] | None:
    """The order with that number and its retailer, locked until the transaction ends; None for an unknown number."""
    of_order = select(Order.retailer_id).where(Order.number == number).scalar_subquery()
    retailers = select(Retailer).where(Retailer.id == of_order).with_for_update()
    retailer = tx.scalar(retailers.execution_options(populate_existing=True))
    if retailer is None:
        return None
    orders = select(Order).where(Order.number == number).with_for_update()
    order = tx.scalars(orders.execution_options(populate_existing=True)).one()
    return retailer, order


def open_paisa(tx: Session, order: Order) -> int:
    """The total of the retailer's other CONFIRMED and VENDOR_ASSIGNED orders."""
    query = select(func.coalesce(func.sum(Order.total_paisa), 0)).where(
        Order.retailer_id == order.retailer_id, Order.state.in_(_PROMISED), Order.id != order.id
    )
    return int(tx.execute(query).scalar_one())


def lines(tx: Session, order: Order) -> list[Line]:
    """The order's items, by product."""
    query = (
        select(OrderItem.product_id, Product.code, Product.name, OrderItem.quantity, OrderItem.unit_price_paisa)
        .join(Product, Product.id == OrderItem.product_id)
        .where(OrderItem.order_id == order.id)
        .order_by(OrderItem.product_id)
    )
    return [Line(*row) for row in tx.execute(query)]


def vendor(tx: Session, vendor_id: int) -> Vendor:
    """The vendor with that key."""
    return tx.get_one(Vendor, vendor_id)


def vendor_by_code(tx: Session, code: str) -> Vendor | None:
    """The vendor with that code."""
    return tx.scalar(select(Vendor).where(Vendor.code == code))


def lacking(tx: Session, vendor_id: int, wanted: Sequence[Line]) -> list[str]:
    """The codes of the products that the vendor doesn't sell, has made unavailable or has too little of."""
    query = select(Stock.product_id, Stock.quantity).where(
        Stock.vendor_id == vendor_id,
        Stock.available.is_(True),
        Stock.product_id.in_([line.product_id for line in wanted]),
    )
    has = {row.product_id: row.quantity for row in tx.execute(query)}
    return [line.product for line in wanted if has.get(line.product_id, 0) < line.quantity]


def accepted_here(tx: Session, order: Order) -> bool:
    """Whether an action accepted the order, and took its stock; else it was imported as accepted."""
    query = select(OrderEvent.id).where(
        OrderEvent.order_id == order.id,
        OrderEvent.action == OrderAction.UPDATE_STATUS,
        OrderEvent.to_state == OrderState.ACCEPTED,
    )
    return tx.scalar(query.limit(1)) is not None


def add_to_vendor_totals(tx: Session, order: Order) -> None:
    """Count the completed order and its total in one statement: orders of many retailers may end at once."""
    values = {
        "completed_orders": Vendor.completed_orders + 1,
        "completed_value_paisa": Vendor.completed_value_paisa + order.total_paisa,
    }
    query = update(Vendor).where(Vendor.id == order.vendor_id).values(values)
    tx.execute(query, execution_options={"synchronize_session": False})


def take_stock(tx: Session, vendor_id: int, wanted: Sequence[Line], *, now: datetime) -> None:
    """Take all of ``wanted`` from the vendor's stock; ``Refused``, with nothing taken, if any of it is short."""
    stock = _locked_stock(tx, vendor_id, wanted)
    left = {
        line.product_id: domain.stock_left(
            line.product,
            in_stock=stock[line.product_id].quantity if line.product_id in stock else 0,
            quantity=line.quantity,
        )
        for line in wanted
    }
    for product_id, quantity in left.items():
        stock[product_id].quantity = quantity
        stock[product_id].updated_at = now


def return_stock(tx: Session, vendor_id: int, taken: Sequence[Line], *, now: datetime) -> None:
    """Give back what ``take_stock`` took."""
    stock = _locked_stock(tx, vendor_id, taken)
    for line in taken:
        stock[line.product_id].quantity += line.quantity
        stock[line.product_id].updated_at = now


def refresh_payment_status(order: Order, *, now: datetime) -> None:
    """Set what the order's amounts and due date say on this business day."""
    order.payment_status = bookkeeping.payment_status(
        total_paisa=order.total_paisa, paid_paisa=order.paid_paisa, due_on=order.due_on, today=business_day(now)
    )


def post(tx: Session, retailer: Retailer, kind: LedgerKind, amount_paisa: int, *, order: Order, at: datetime) -> None:
    """Enter the order's amount in the ledger and move the locked retailer's debt; nothing for an amount of 0."""
    _post(tx, retailer, bookkeeping.entry(kind, amount_paisa, debt_paisa=retailer.debt_paisa), order, None, at)


def post_payment(
    tx: Session, retailer: Retailer, kind: LedgerKind, payment: Payment, *, order: Order, at: datetime
) -> None:
    """Enter a payment or its reversal in the ledger and move the locked retailer's debt."""
    tx.flush()  # the payment gets its id
    entry = bookkeeping.entry(kind, payment.amount_paisa, debt_paisa=retailer.debt_paisa)
    _post(tx, retailer, entry, order, payment, at)


def _post(
    tx: Session,
    retailer: Retailer,
    entry: bookkeeping.Entry | None,
    order: Order,
    payment: Payment | None,
    at: datetime,
) -> None:
    if entry is None:
        return
    retailer.debt_paisa = entry.balance_paisa
    tx.add(
        LedgerEntry(
            retailer_id=retailer.id,
            kind=entry.kind,
            order_id=order.id,
            payment_id=None if payment is None else payment.id,
            debit_paisa=entry.debit_paisa,
            credit_paisa=entry.credit_paisa,
            balance_paisa=entry.balance_paisa,
            at=at,
        )
    )


def _locked_stock(tx: Session, vendor_id: int, wanted: Sequence[Line]) -> dict[int, Stock]:
    query = (
        select(Stock)
        .where(Stock.vendor_id == vendor_id, Stock.product_id.in_([line.product_id for line in wanted]))
        .order_by(Stock.product_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.product_id: row for row in tx.scalars(query)}
