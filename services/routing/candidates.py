"""The one query of a routing: every vendor that sells any of the products, with all that its score needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, FromClause, Select, Subquery, bindparam, func, select
from sqlalchemy.orm import Session

from services.routing.scoring import Offered, Place, Record, Vendor
from shared.business import OPEN
from shared.database import vendor_records
from shared.database.models import Order, Product, Stock
from shared.database.models import Vendor as VendorRow

NOTHING_KNOWN = Record()


def candidates(tx: Session, product_ids: Sequence[int], now: datetime) -> list[Vendor]:
    """The vendors that sell any of the products, by code; whether they are eligible the rules decide.

    Stock and open orders are as they are now; so is the record of 180 days, unless the platform has so many orders
    that it is read as it was last counted.
    """
    query = _query(vendor_records.current(tx, now))
    # Plain rows: with thousands of them the ORM's would take longer than the database.
    return _vendors(tx.connection().execute(query, {"products": list(product_ids)}).all())


def _query(record: FromClause) -> Select[Any]:
    open_orders = _open_orders()
    columns: tuple[Any, ...] = (
        VendorRow.code,
        VendorRow.approved,
        VendorRow.active,
        VendorRow.rating_hundredths,
        VendorRow.city,
        VendorRow.state,
        Product.code,
        Stock.price_paisa,
        Stock.quantity,
        Stock.available,
        open_orders.c.open_orders,
        record.c.offers,
        record.c.offers_accepted,
        record.c.accepted,
        record.c.delivered,
        record.c.timed,
        record.c.delivery_seconds,
        record.c.cancelled,
    )
    return (
        select(*columns)
        .select_from(Stock)
        .join(VendorRow, VendorRow.id == Stock.vendor_id)
        .join(Product, Product.id == Stock.product_id)
        .outerjoin(open_orders, open_orders.c.vendor_id == VendorRow.id)
        .outerjoin(record, record.c.vendor_id == VendorRow.id)
        .where(Stock.product_id.in_(bindparam("products", expanding=True)))
        .order_by(VendorRow.code)
    )


def _open_orders() -> Subquery:
    """How many open orders each vendor has that has any."""
    # A partial index serves only a query that says its words: they can't be parameters.
    states: BindParameter[Any] = bindparam("open", OPEN, expanding=True, literal_execute=True)
    return (
        select(Order.vendor_id, func.count().label("open_orders"))
        .where(Order.state.in_(states), Order.vendor_id.is_not(None))
        .group_by(Order.vendor_id)
        .subquery("vendor_orders")
    )


def _vendors(rows: Iterable[Sequence[Any]]) -> list[Vendor]:
    """One vendor of the rows that it has, one for each product."""
    found: list[Vendor] = []
    stock: dict[str, Offered] = {}
    last = None
    for row in rows:
        if row[0] != last:
            stock = {}
            last, approved, active, rating, city, state = row[:6]
            # All of the record is null where nothing was counted yet.
            record = NOTHING_KNOWN if row[11] is None else Record._make(row[11:])
            place = Place(city, state)
            found.append(Vendor(last, approved, active, rating, place, row[10] or 0, stock, record))
        stock[row[6]] = Offered._make(row[7:10])
    return found
