"""The one query of a routing: every vendor that sells any of the products, with all that its score needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, Select, Subquery, bindparam, func, select
from sqlalchemy.orm import Session

from services.routing.scoring import Offered, Place, Record, Vendor
from shared.business import OPEN
from shared.database.models import Order, Product, Stock, VendorRecord
from shared.database.models import Vendor as VendorRow

NOTHING_KNOWN = Record()


def candidates(tx: Session, product_ids: Sequence[int]) -> list[Vendor]:
    """The vendors that sell any of the products, by code; whether they are eligible the rules decide.

    Stock and open orders are as they are now, the record of 180 days as it was last counted.
    """
    # Plain rows: with thousands of them the ORM's would take longer than the database.
    return _vendors(tx.connection().execute(_QUERY, {"products": list(product_ids)}).all())


def _query() -> Select[Any]:
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
        VendorRecord.offers,
        VendorRecord.offers_accepted,
        VendorRecord.accepted,
        VendorRecord.delivered,
        VendorRecord.timed,
        VendorRecord.delivery_seconds,
        VendorRecord.cancelled,
    )
    return (
        select(*columns)
        .select_from(Stock)
        .join(VendorRow, VendorRow.id == Stock.vendor_id)
        .join(Product, Product.id == Stock.product_id)
        .outerjoin(open_orders, open_orders.c.vendor_id == VendorRow.id)
        .outerjoin(VendorRecord, VendorRecord.vendor_id == VendorRow.id)
        .where(Stock.product_id.in_(bindparam("products", expanding=True)))
        .order_by(VendorRow.code)
    )


def _open_orders() -> Subquery:
    """How many open orders each vendor has that has any."""
    # A partial index serves only a query that says its words: they can't be parameters.
    states = bindparam("open", OPEN, expanding=True, literal_execute=True)
    return (
        select(Order.vendor_id, func.count().label("open_orders"))
        .where(Order.state.in_(states), Order.vendor_id.is_not(None))
        .group_by(Order.vendor_id)
        .subquery("vendor_orders")
    )


_QUERY = _query()


def _vendors(rows: Iterable[Row[Any]]) -> list[Vendor]:
    """One vendor of the rows that it has, one for each product."""
    found: list[Vendor] = []
    stock: dict[str, Offered] = {}
    last = None
    for code, approved, active, rating, city, state, product, price, quantity, available, open_orders, *record in rows:
        if code != last:
            last, stock = code, {}
            vendor = Vendor(
                code,
                approved=approved,
                active=active,
                rating_hundredths=rating,
                place=Place(city, state),
                open_orders=open_orders or 0,
                stock=stock,
                # All is null where nothing was counted yet.
                record=NOTHING_KNOWN if record[0] is None else Record(*record),
            )
            found.append(vendor)
        stock[product] = Offered(price, quantity, available)
    return found
