"""Vendors, products and stock as JSON: the import files' columns in camelCase. Personal data is masked."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select

from gateway.answers import Json
from gateway.context import current_gateway
from gateway.row_views import Curtain, hundredths, instant, rupees
from shared.database.models import Product, Stock, Vendor

_M = TypeVar("_M", Vendor, Product)


def vendor_view(code: str) -> Json:
    """The vendor with that code."""
    vendor, shown = _coded(Vendor, code), Curtain(reveal=False)
    return {
        "code": vendor.code,
        "businessName": shown("businessName", vendor.business_name),
        "phone": shown("phone", vendor.phone),
        "city": vendor.city,
        "state": vendor.state,
        "language": vendor.language,
        "rating": hundredths(vendor.rating_hundredths),
        "approved": vendor.approved,
        "active": vendor.active,
        "createdAt": instant(vendor.created_at),
    }


def product_view(code: str) -> Json:
    """The product with that code."""
    product = _coded(Product, code)
    return {"code": product.code, "name": product.name, "unit": product.unit, "category": product.category}


def stock_view(vendor_code: str, product_code: str) -> Json:
    """What the vendor has of the product."""
    query = (
        select(Stock)
        .join(Vendor, Vendor.id == Stock.vendor_id)
        .join(Product, Product.id == Stock.product_id)
        .where(Vendor.code == vendor_code, Product.code == product_code)
    )
    with current_gateway().database.reader() as tx:
        stock = tx.scalars(query).one()
    return {
        "vendorCode": vendor_code,
        "productCode": product_code,
        "price": rupees(stock.price_paisa),
        "stock": stock.quantity,
        "available": stock.available,
        "updatedAt": instant(stock.updated_at),
    }


def _coded(model: type[_M], code: str) -> _M:
    with current_gateway().database.reader() as tx:
        return tx.scalars(select(model).where(model.code == code)).one()
