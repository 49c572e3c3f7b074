"""The writers of master data: retailers, vendors, products and stock, created or brought up to what was said.

A column that a row's file doesn't have (``given``) changes nothing, and neither does an empty one that has to have a
value; any other that is empty empties what is stored. Debt, score and consent are no master data and stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from shared.business import LANGUAGES
from shared.database.bulk import Values
from shared.database.models import Product, Retailer, Stock, Vendor
from shared.database.models.platform import DEFAULT_TERMS_DAYS
from shared.master.lookup import ids_of
from shared.master.outcome import Given, Outcome, WrongRow
from shared.master.rows import ProductRow, RetailerRow, StockRow, VendorRow
from shared.master.upserting import Upserts
from shared.money import to_paisa

RATING_UNITS = 100
"""Ratings are stored in hundredths."""

_R = TypeVar("_R", RetailerRow, VendorRow, ProductRow, StockRow)

_AnyRow = RetailerRow | VendorRow | ProductRow | StockRow

_WHO: Values = {"phone": None, "city": None, "state": None, "language": LANGUAGES[0], "active": True}
_RETAILERS = Upserts(
    Retailer,
    ("code",),
    {
        **_WHO,
        "shop_name": None,
        "owner_name": None,
        "email": None,
        "credit_limit_paisa": 0,
        "terms_days": DEFAULT_TERMS_DAYS,
        "created_at": None,
    },
    since="created_at",
)
_VENDORS = Upserts(
    Vendor,
    ("code",),
    {**_WHO, "business_name": None, "rating_hundredths": None, "approved": False},
    since="created_at",
)
_PRODUCTS = Upserts(Product, ("code",), {"name": None, "unit": None, "category": None})
_STOCK = Upserts(
    Stock,
    ("vendor_id", "product_id"),
    {"price_paisa": None, "quantity": None, "available": True},
    written="updated_at",
)


def upsert_retailers(
    tx: Session, rows: Sequence[RetailerRow], now: datetime, given: Given | None = None
) -> list[Outcome]:
    """Store retailers by code; a new one that doesn't say since when is one since ``now``."""

    def said(row: RetailerRow, columns: frozenset[str] | None) -> Values:
        if row.created_at is not None and row.created_at > now:
            raise WrongRow("created_at", "lies in the future")
        return _said(_RETAILERS, row, columns)

    outcomes = _upsert(tx, _RETAILERS, rows, now, given, said)
    return [outcome.about(row.code) for outcome, row in zip(outcomes, rows, strict=True)]


def upsert_vendors(tx: Session, rows: Sequence[VendorRow], now: datetime, given: Given | None = None) -> list[Outcome]:
    """Store vendors by code."""
    return _upsert(tx, _VENDORS, rows, now, given, partial(_said, _VENDORS))


def upsert_products(
    tx: Session, rows: Sequence[ProductRow], now: datetime, given: Given | None = None
) -> list[Outcome]:
    """Store products by code."""
    return _upsert(tx, _PRODUCTS, rows, now, given, partial(_said, _PRODUCTS))


def upsert_stock(tx: Session, rows: Sequence[StockRow], now: datetime, given: Given | None = None) -> list[Outcome]:
    """Store what vendors have of products; both must be known."""
    vendors = ids_of(tx, Vendor, (row.vendor_code for row in rows))
    products = ids_of(tx, Product, (row.product_code for row in rows))

    def said(row: StockRow, columns: frozenset[str] | None) -> Values:
        if row.vendor_code not in vendors:
            raise WrongRow("vendor_code", f"there is no vendor {row.vendor_code}")
        if row.product_code not in products:
            raise WrongRow("product_code", f"there is no product {row.product_code}")
        key = {"vendor_id": vendors[row.vendor_code], "product_id": products[row.product_code]}
        return {**_said(_STOCK, row, columns), **key}

    return _upsert(tx, _STOCK, rows, now, given, said)


def _upsert(
    tx: Session,
    upserts: Upserts,
    rows: Sequence[_R],
    now: datetime,
    given: Given | None,
    said: Callable[[_R, frozenset[str] | None], Values],
) -> list[Outcome]:
    """Store what ``said`` makes of each row; where it raises ``WrongRow``, that is the row's outcome."""
    wrong: dict[int, Outcome] = {}
    values: list[Values] = []
    for index, row in enumerate(rows):
        try:
            values.append(said(row, None if given is None else given[index]))
        except WrongRow as error:
            wrong[index] = error.outcome()
    results = iter(upserts.store(tx, values, now))
    return [wrong.get(index) or Outcome(next(results)) for index in range(len(rows))]


def _said(upserts: Upserts, row: _AnyRow, given: frozenset[str] | None) -> Values:
    """The columns of the table that the row speaks of."""
    values = {}
    kind: Any = type(row)
    for name, column, convert, may_be_empty in _plan(upserts.model, kind):
        if given is not None and name not in given:
            continue
        value = getattr(row, name)
        if value is not None:
            values[column] = value if convert is None else convert(value)
        elif may_be_empty:
            values[column] = None
    return values


_Step = tuple[str, str, Callable[[Any], Any] | None, bool]


@cache
def _plan(model: type[Any], row: type[Any]) -> list[_Step]:
    """How each field of a row's class becomes a column of the table; those that have no column are left out."""
    columns = model.__table__.columns
    plan = []
    for field in fields(row):
        column, convert = _OTHERWISE.get(field.name, (field.name, None))
        if column in columns:
            plan.append((field.name, column, convert, bool(columns[column].nullable)))
    return plan


def _hundredths(rating: Decimal) -> int:
    return int(rating * RATING_UNITS)


_OTHERWISE: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "language": ("language", str),
    "credit_limit": ("credit_limit_paisa", to_paisa),
    "price": ("price_paisa", to_paisa),
    "rating": ("rating_hundredths", _hundredths),
    "stock": ("quantity", int),
}
"""Fields that the table has under another name, or in another unit or type."""
