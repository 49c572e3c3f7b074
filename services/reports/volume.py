"""What PURCHASE_VOLUME reads: orders that were confirmed and not cancelled, and what they hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import CTE, ColumnElement, func, null, select, union_all
from sqlalchemy.orm import Session

from services.reports.days import month_of
from services.reports.facts import TOP_PRODUCTS_OF_A_SHOP, Bought
from services.reports.repository import NO_PURCHASE, of_retailers, on_days
from shared.business import OrderState
from shared.database.models import Order, OrderItem, Product


@dataclass(frozen=True, slots=True)
class Purchases:
    """The orders of one retailer in one state."""

    retailer_id: int
    state: OrderState
    orders: int
    total_paisa: int


@dataclass(frozen=True, slots=True)
class Products:
    """The most valuable products of each retailer, best first, and the value of every product for all of them."""

    of_each: dict[int, list[Bought]] = field(default_factory=lambda: defaultdict(list))
    of_all: dict[str, int] = field(default_factory=dict)


def purchases(tx: Session, ids: Sequence[int], start: date | None, end: date | None) -> Iterator[Purchases]:
    """The orders that were created on these days, by retailer and state."""
    query = (
        select(Order.retailer_id, Order.state, func.count(), func.sum(Order.total_paisa))
        .where(*_purchased(tx, ids, start, end))
        .group_by(Order.retailer_id, Order.state)
    )
    return (Purchases(row[0], row[1], row[2], int(row[3])) for row in tx.execute(query))


def months(tx: Session, ids: Sequence[int], start: date | None, end: date | None) -> dict[str, int]:
    """The value of these orders of all the retailers, by month in Kathmandu (``2026-11``)."""
    month = month_of(tx, Order.created_at).label("month")
    query = select(month, func.sum(Order.total_paisa)).where(*_purchased(tx, ids, start, end)).group_by("month")
    return {row[0]: int(row[1]) for row in tx.execute(query)}


def products(tx: Session, ids: Sequence[int], start: date | None, end: date | None) -> Products:
    """What these orders hold."""
    sums = _sums(_purchased(tx, ids, start, end))
    best_first = (sums.c.value.desc(), sums.c.name)
    place = func.row_number().over(partition_by=sums.c.retailer_id, order_by=best_first).label("place")
    ranked = select(sums.c.retailer_id, sums.c.name, sums.c.quantity, sums.c.value, place).subquery("ranked")
    best: Any = select(*ranked.c).where(ranked.c.place <= TOP_PRODUCTS_OF_A_SHOP)
    of_all: Any = select(null(), sums.c.name, null(), func.sum(sums.c.value), null()).group_by(sums.c.name)
    found = Products()
    for retailer_id, name, quantity, value, _ in sorted(tx.execute(union_all(best, of_all)), key=_place):
        if retailer_id is None:
            found.of_all[name] = int(value)
        else:
            found.of_each[retailer_id].append(Bought(name, int(quantity), int(value)))
    return found


def _place(row: Any) -> int:
    return row.place or 0


def _sums(purchased: Sequence[ColumnElement[bool]]) -> CTE:
    """Quantity and value of each product for each retailer."""
    by_id = (
        select(
            Order.retailer_id,
            OrderItem.product_id,
            func.sum(OrderItem.quantity).label("quantity"),
            func.sum(OrderItem.quantity * OrderItem.unit_price_paisa).label("value"),
        )
        .join(OrderItem, OrderItem.order_id == Order.id)
        .where(*purchased)
        .group_by(Order.retailer_id, OrderItem.product_id)
        .subquery("by_id")
    )
    return (
        select(by_id.c.retailer_id, Product.name, by_id.c.quantity, by_id.c.value)
        .join(Product, Product.id == by_id.c.product_id)
        .cte("sums")
    )


def _purchased(
    tx: Session, ids: Sequence[int], start: date | None, end: date | None
) -> tuple[ColumnElement[bool], ...]:
    return (
        of_retailers(tx, Order.retailer_id, ids),
        Order.state.not_in(NO_PURCHASE),
        *on_days(Order.created_at, start, end),
    )
