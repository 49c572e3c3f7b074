"""The JSON of each kind of row: camelCase keys in the order of the import columns."""

from __future__ import annotations

from shared.business import OrderState
from shared.database.models.platform import CODE_LENGTH, NAME_LENGTH, PLACE_LENGTH
from shared.master.fields import Code, Moment, Name, Rating
from shared.master.rows import ItemRow, OrderRow, PaymentRow, ProductRow, RetailerRow, StockRow, VendorRow
from shared.messages.base import ContractSchema
from shared.messages.contact_fields import BusinessDate, EmailAddress, Phone
from shared.messages.fields import MAX_QUANTITY, Choice, Flag, Money, Whole
from shared.messages.orders import CancelledBy, PaymentMethod
from shared.messages.whatsapp import Language

LONGEST_TERMS_DAYS = 365
MOST_IN_STOCK = 1_000_000_000


class RetailerSchema(ContractSchema):
    """The JSON of ``RetailerRow``."""

    TARGET = RetailerRow
    code = Code()
    shop_name = Name(NAME_LENGTH)
    owner_name = Name(NAME_LENGTH, required=False)
    phone = Phone()
    email = EmailAddress(required=False)
    city = Name(PLACE_LENGTH, required=False)
    state = Name(PLACE_LENGTH, required=False)
    language = Choice(Language, required=False)
    credit_limit = Money(required=False)
    terms_days = Whole(0, LONGEST_TERMS_DAYS, required=False)
    created_at = Moment(required=False)
    active = Flag(required=False)


class VendorSchema(ContractSchema):
    """The JSON of ``VendorRow``."""

    TARGET = VendorRow
    code = Code()
    business_name = Name(NAME_LENGTH)
    phone = Phone()
    city = Name(PLACE_LENGTH, required=False)
    state = Name(PLACE_LENGTH, required=False)
    language = Choice(Language, required=False)
    rating = Rating(required=False)
    approved = Flag(required=False)
    active = Flag(required=False)


class ProductSchema(ContractSchema):
    """The JSON of ``ProductRow``."""

    TARGET = ProductRow
    code = Code()
    name = Name(NAME_LENGTH)
    unit = Name(CODE_LENGTH, required=False)
    category = Name(PLACE_LENGTH, required=False)


class StockSchema(ContractSchema):
    """The JSON of ``StockRow``."""

    TARGET = StockRow
    vendor_code = Code()
    product_code = Code()
    price = Money()
    stock = Whole(0, MOST_IN_STOCK)
    available = Flag(required=False)


class OrderSchema(ContractSchema):
    """The JSON of ``OrderRow``."""

    TARGET = OrderRow
    number = Code()
    retailer_code = Code()
    vendor_code = Code(required=False)
    status = Choice(OrderState, required=False, default=OrderState.DRAFT)
    total = Money()
    subtotal = Money(required=False)
    tax = Money(required=False)
    created_at = Moment(required=False)
    confirmed_at = Moment(required=False)
    accepted_at = Moment(required=False)
    dispatched_at = Moment(required=False)
    delivered_at = Moment(required=False)
    completed_at = Moment(required=False)
    cancelled_at = Moment(required=False)
    cancelled_by = Choice(CancelledBy, required=False)
    due_on = BusinessDate(required=False)


class ItemSchema(ContractSchema):
    """The JSON of ``ItemRow``."""

    TARGET = ItemRow
    order_number = Code()
    product_code = Code()
    quantity = Whole(1, MAX_QUANTITY)
    unit_price = Money()


class PaymentSchema(ContractSchema):
    """The JSON of ``PaymentRow``."""

    TARGET = PaymentRow
    number = Code()
    order_number = Code()
    amount = Money(above=True)
    method = Choice(PaymentMethod, required=False, default=PaymentMethod.CASH)
    paid_at = Moment()
    reversed = Flag(required=False, default=False)
