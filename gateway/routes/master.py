"""Master data: retailers, vendors, products and stock, created or brought up to what the body says.

What a body leaves out stays as it is stored; null empties it, where it may be empty.
"""

from __future__ import annotations

from gateway.answers import Answer, Json, created
from gateway.api import Routes, requires
from gateway.master_requests import MasterRequest, Said, StockRequest
from gateway.master_schemas import ProductSchema, StockSchema, VendorSchema
from gateway.master_views import product_view, stock_view, vendor_view
from gateway.master_writing import store
from gateway.retailer_reading import WantedSchema, whole_retailer
from gateway.retailer_schemas import RetailerSchema
from gateway.retailer_views import retailer_view
from gateway.roles import Scope
from shared.master import (
    Result,
    schemas,
    upsert_products,
    upsert_retailers,
    upsert_stock,
    upsert_vendors,
)

routes = Routes("master", __name__, url_prefix="/api/v1")

_WHERE = {"city": "Kathmandu", "state": "Bagmati", "language": "ne"}
_RETAILER = {"shopName": "Sita Pasal", "phone": "+977-9800000000", **_WHERE, "creditLimit": 100_000, "termsDays": 30}
_VENDOR = {"businessName": "Ram Traders", "phone": "+977-9800000000", **_WHERE, "rating": 4.25, "approved": True}
_PRODUCT = {"name": "Rice", "unit": "bag", "category": "Grains"}
_STOCK = {"price": 150.5, "stock": 200, "available": True}
_IS_NEW = "It is new"


@routes.put("/retailers/<path:retailer_id>")
@routes.arguments(MasterRequest("PutRetailer", schemas.RetailerSchema, {"retailer_id": "code"}), example=_RETAILER)
@routes.response(200, RetailerSchema, "The retailer, now as the body says", created=_IS_NEW)
@requires(Scope.JOBS_WRITE)
def put_retailer(said: Said, **_: str) -> Answer:
    """Create or update a retailer; debt, score and consent are no part of it."""
    result, code = store(upsert_retailers, said), said.row.code
    found = whole_retailer(code, WantedSchema().read({}))
    return _answer(result, retailer_view(found, reveal=False), "retailers", code)


@routes.put("/vendors/<path:vendor_id>")
@routes.arguments(MasterRequest("PutVendor", schemas.VendorSchema, {"vendor_id": "code"}), example=_VENDOR)
@routes.response(200, VendorSchema, "The vendor, now as the body says", created=_IS_NEW)
@requires(Scope.JOBS_WRITE)
def put_vendor(said: Said, **_: str) -> Answer:
    """Create or update a vendor; a new one gets offers once it is approved."""
    result, code = store(upsert_vendors, said), said.row.code
    return _answer(result, vendor_view(code), "vendors", code)


@routes.put("/products/<path:product_id>")
@routes.arguments(MasterRequest("PutProduct", schemas.ProductSchema, {"product_id": "code"}), example=_PRODUCT)
@routes.response(200, ProductSchema, "The product, now as the body says", created=_IS_NEW)
@requires(Scope.JOBS_WRITE)
def put_product(said: Said, **_: str) -> Answer:
    """Create or update a product."""
    result, code = store(upsert_products, said), said.row.code
    return _answer(result, product_view(code), "products", code)


@routes.put("/stock/<path:vendor_id>/<path:product_id>")
@routes.arguments(StockRequest("PutStock"), example=_STOCK)
@routes.response(200, StockSchema, "The stock, now as the body says", created=_IS_NEW)
@requires(Scope.JOBS_WRITE)
def put_stock(said: Said, **_: str) -> Answer:
    """Set a vendor's price and stock of a product; of codes with slashes the body repeats one."""
    return _put_stock(said)


@routes.put("/stock/<path:vendor_id>")
@routes.arguments(StockRequest("PutStockOfVendor", of_vendor=True), example=_STOCK | {"productCode": "RICE-1KG"})
@routes.response(200, StockSchema, "The stock, now as the body says", created=_IS_NEW)
@requires(Scope.JOBS_WRITE)
def put_stock_of_vendor(said: Said, **_: str) -> Answer:
    """Set a vendor's price and stock of the product that the body names."""
    return _put_stock(said)


def _put_stock(said: Said) -> Answer:
    result, codes = store(upsert_stock, said), (said.row.vendor_code, said.row.product_code)
    return _answer(result, stock_view(*codes), "stock", *codes)


def _answer(result: Result, body: Json, *path: str) -> Answer:
    return created(body, *path) if result is Result.CREATED else Answer(body)
