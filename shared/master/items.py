"""The writer of the items of imported orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from shared.database.bulk import among, insert_many
from shared.database.models import Order, OrderEvent, OrderItem, Product
from shared.master.lookup import ids_of
from shared.master.orders import ACTION
from shared.master.outcome import UNCHANGED, Given, Outcome, Result, WrongRow
from shared.master.rows import ItemRow
from shared.money import to_paisa, to_rupees

_Key = tuple[int, int]
_Line = tuple[int, int]
"""Quantity, and unit price in paisa."""


def import_items(
    tx: Session,
    rows: Sequence[ItemRow],
    now: datetime,  # noqa: ARG001 - every writer is called alike
    given: Given | None = None,  # noqa: ARG001 - the same
) -> list[Outcome]:
    """Store items of imported orders that nothing has happened to since; a known one must come unchanged.

    The order's amounts stay as they were imported: its debt may be booked, and they may hold a discount.
    """
    orders = _orders(tx, {row.order_number for row in rows})
    products = ids_of(tx, Product, (row.product_code for row in rows))
    lines = _lines(tx, [order.id for order in orders.values()])
    new: list[_Key] = []
    outcomes: list[Outcome] = []
    for row in rows:
        try:
            key = _key(row, orders, products)
            if key in lines:
                outcomes.append(_same(row, lines[key]))
                continue
            _check_open(row, orders[row.order_number])
        except WrongRow as error:
            outcomes.append(error.outcome())
            continue
        lines[key] = (row.quantity, to_paisa(row.unit_price))
        new.append(key)
        outcomes.append(Outcome(Result.CREATED))
    # The orders are locked: nobody else stores items of theirs.
    insert_many(tx, OrderItem, _columns(new, lines))
    return outcomes


@dataclass(frozen=True, slots=True)
class _Order:
    """An order; nothing has happened to one that ``is_open`` since it was imported."""

    id: int
    imported: bool
    is_open: bool


def _key(row: ItemRow, orders: dict[str, _Order], products: dict[str, int]) -> _Key:
    if row.order_number not in orders:
        raise WrongRow("order_number", f"there is no order {row.order_number}")
    if row.product_code not in products:
        raise WrongRow("product_code", f"there is no product {row.product_code}")
    return orders[row.order_number].id, products[row.product_code]


def _check_open(row: ItemRow, order: _Order) -> None:
    if not order.imported:
        raise WrongRow("order_number", f"{row.order_number} is an order that was not imported")
    if not order.is_open:
        raise WrongRow("order_number", f"{row.order_number} has gone on since it was imported: its items stay")


def _same(row: ItemRow, line: _Line) -> Outcome:
    quantity, price = line
    if row.quantity != quantity:
        raise WrongRow("quantity", f"is {quantity} in the stored order, which can't be changed")
    if to_paisa(row.unit_price) != price:
        raise WrongRow("unit_price", f"is {to_rupees(price)} in the stored order, which can't be changed")
    return UNCHANGED


def _columns(keys: Iterable[_Key], lines: dict[_Key, _Line]) -> list[dict[str, int]]:
    return [
        {"order_id": key[0], "product_id": key[1], "quantity": lines[key][0], "unit_price_paisa": lines[key][1]}
        for key in keys
    ]


def _orders(tx: Session, numbers: set[str]) -> dict[str, _Order]:
    """The orders with these numbers, locked: none of them goes on while its items come in."""
    columns, events = Order.__table__.c, OrderEvent.__table__.c
    went_on = exists().where(events.order_id == columns.id, events.action != ACTION)
    query = (
        select(columns.number, columns.id, columns.imported, ~went_on)
        .where(among(tx, columns.number, numbers))
        .order_by(columns.id)
        .with_for_update(of=Order.__table__)
    )
    return {number: _Order(*rest) for number, *rest in tx.execute(query)}


def _lines(tx: Session, order_ids: list[int]) -> dict[_Key, _Line]:
    columns = OrderItem.__table__.c
    query = select(columns.order_id, columns.product_id, columns.quantity, columns.unit_price_paisa)
    rows = tx.execute(query.where(among(tx, columns.order_id, order_ids)))
    return {(order, product): (quantity, price) for order, product, quantity, price in rows}
