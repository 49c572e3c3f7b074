"""One dataclass for each kind of row; the fields are the columns of the import files.

None in a field means that nothing was said. Amounts are rupees to the paisa, times are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from shared.business import OrderState
from shared.messages.orders import CancelledBy, PaymentMethod
from shared.messages.whatsapp import Language


@dataclass(frozen=True, slots=True)
class RetailerRow:
    """A shop that orders on credit."""

    code: str
    shop_name: str
    phone: str
    owner_name: str | None = None
    email: str | None = None
    city: str | None = None
    state: str | None = None
    language: Language | None = None
    credit_limit: Decimal | None = None
    terms_days: int | None = None
    created_at: datetime | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class VendorRow:
    """A wholesaler."""

    code: str
    business_name: str
    phone: str
    city: str | None = None
    state: str | None = None
    language: Language | None = None
    rating: Decimal | None = None
    approved: bool | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A thing that can be ordered."""

    code: str
    name: str
    unit: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class StockRow:
    """How many units a vendor has of a product, and the price of one."""

    vendor_code: str
    product_code: str
    price: Decimal
    stock: int
    available: bool | None = None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it stands, with the times of the states that it reached."""

    number: str
    retailer_code: str
    total: Decimal
    vendor_code: str | None = None
    status: OrderState = OrderState.DRAFT
    subtotal: Decimal | None = None
    tax: Decimal | None = None
    created_at: datetime | None = None
    confirmed_at: datetime | None = None
    accepted_at: datetime | None = None
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: CancelledBy | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One product of an order."""

    order_number: str
    product_code: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """Money paid for one order; ``reversed`` says that it was taken back since."""

    number: str
    order_number: str
    amount: Decimal
    paid_at: datetime
    method: PaymentMethod = PaymentMethod.CASH
    reversed: bool = False


Row = RetailerRow | VendorRow | ProductRow | StockRow | OrderRow | ItemRow | PaymentRow
