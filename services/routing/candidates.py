"""The one query of a routing: every vendor that sells any of the products, with all that its score needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import BindParameter, FromClause, Select, Subquery, bindparam, func, select
from sqlalchemy.orm import Session

from services.routing.scoring import Offered, Place, Record, Vendor
from shared.business import OPEN
from shared.database import vendor_records
from shared.database.models import Order, Stock
from shared.database.models import Vendor as VendorRow

NOTHING_KNOWN = Record()
_CODE = attrgetter("code")


def candidates(tx: Session, products: Mapping[int, str], now: datetime) -> list[Vendor]:
    """The vendors that sell any of the products (codes by id); whether they are eligible the rules decide.

    Stock and open orders are as they are now; so is the record of 180 days, unless the platform has so many orders
    that it is read as it was last counted.
    """
    query = _query(vendor_records.current(tx, now))
    # Plain rows: with thousands of them the ORM's would take longer than the database.
    return _vendors(tx.connection().execute(query, {"products": list(products)}).all(), products)


def _query(record: FromClause) -> Select[Any]:
    open_orders = _open_orders()
    columns: tuple[Any, ...] = (
        VendorRow.id,
        Stock.product_id,
        Stock.price_paisa,
        Stock.quantity,
        Stock.available,
        VendorRow.code,
        VendorRow.approved,
        VendorRow.active,
        VendorRow.rating_hundredths,
        VendorRow.city,
        VendorRow.state,
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
        .outerjoin(open_orders, open_orders.c.vendor_id == VendorRow.id)
        .outerjoin(record, record.c.vendor_id == VendorRow.id)
        .where(Stock.product_id.in_(bindparam("products", expanding=True)))
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


def _vendors(rows: Iterable[Any], products: Mapping[int, str]) -> list[Vendor]:
    """One vendor of the rows that it has, one for each product, in whatever order they come."""
    stocks: dict[int, dict[str, Offered]] = {}
    found: list[Vendor] = []
    for row in rows:
        vendor_id, product_id, price_paisa, quantity, available, *_ = row
        stock = stocks.get(vendor_id)
        if stock is None:
            stock = stocks[vendor_id] = {}
            code, approved, active, rating, city, state, open_orders, offers, *_ = row[5:]
            # All of the record is null where nothing was counted yet.
            record = NOTHING_KNOWN if offers is None else Record._make(row[12:])
            found.append(Vendor(code, approved, active, rating, Place(city, state), open_orders or 0, stock, record))
        stock[products[product_id]] = Offered(price_paisa, quantity, available)
    return sorted(found, key=_CODE)
