"""The platform's data as it comes in, by import file or by PUT: rows, their schemas, and the writers that store them.

A writer takes many rows in one transaction of its caller's and answers with one ``Outcome`` for each; a row that is
wrong is not stored and doesn't stop the others. No writer enqueues a job or sends a message.
"""

from shared.master.catalogue import upsert_products, upsert_retailers, upsert_stock, upsert_vendors
from shared.master.columns import Column, Kind, columns_of, schema_of
from shared.master.items import import_items
from shared.master.orders import import_orders
from shared.master.outcome import Given, Outcome, Result
from shared.master.payments import import_payments
from shared.master.rows import (
    ItemRow,
    OrderRow,
    PaymentRow,
    ProductRow,
    RetailerRow,
    Row,
    StockRow,
    VendorRow,
)

__all__ = [
    "Column",
    "Given",
    "ItemRow",
    "Kind",
    "OrderRow",
    "Outcome",
    "PaymentRow",
    "ProductRow",
    "Result",
    "RetailerRow",
    "Row",
    "StockRow",
    "VendorRow",
    "columns_of",
    "import_items",
    "import_orders",
    "import_payments",
    "schema_of",
    "upsert_products",
    "upsert_retailers",
    "upsert_stock",
    "upsert_vendors",
]
