"""The shapes of vendors, products and stock for the OpenAPI document."""

from __future__ import annotations

from marshmallow import fields, validate

from gateway.row_schemas import CamelSchema, flag, money, text, time, whole
from shared.business import LANGUAGES


class VendorSchema(CamelSchema):
    """A wholesaler; personal data is masked."""

    code = text("VEN001")
    business_name = text("Ram Traders")
    phone = text("***00")
    city = text("Kathmandu", is_null=True)
    state = text("Bagmati", is_null=True)
    language = fields.String(required=True, validate=validate.OneOf(list(LANGUAGES)))
    rating = fields.Float(required=True, allow_none=True, metadata={"description": "0 to 5", "example": 4.25})
    approved = flag()
    active = flag()
    created_at = time()


class ProductSchema(CamelSchema):
    """A thing that can be ordered."""

    code = text("RICE-1KG")
    name = text("Rice")
    unit = text("bag", is_null=True)
    category = text("Grains", is_null=True)


class StockSchema(CamelSchema):
    """How many units a vendor has of a product, and the price of one."""

    vendor_code = text("VEN001")
    product_code = text("RICE-1KG")
    price = money(150.5)
    stock = whole(200)
    available = flag()
    updated_at = time()
