"""Messages of the queue ``orders``: one action on one order, each with its own data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from shared.messages.base import ContractSchema, Message, OneByKind
from shared.messages.contact_fields import Instant
from shared.messages.fields import Choice, Id, Money, Text
from shared.queues import Queue

NOTES_LENGTH = 500


class OrderAction(StrEnum):
    """What happens to an order."""

    CONFIRM = "CONFIRM"
    ASSIGN_VENDOR = "ASSIGN_VENDOR"
    UPDATE_STATUS = "UPDATE_STATUS"
    COMPLETE = "COMPLETE"
    CANCEL = "CANCEL"
    RECORD_PAYMENT = "RECORD_PAYMENT"
    REVERSE_PAYMENT = "REVERSE_PAYMENT"


class OrderStatus(StrEnum):
    """The states that UPDATE_STATUS may set."""

    ACCEPTED = "ACCEPTED"
    DISPATCHED = "DISPATCHED"
    DELIVERED = "DELIVERED"


class CancelledBy(StrEnum):
    """Who cancels an order."""

    RETAILER = "RETAILER"
    VENDOR = "VENDOR"
    PLATFORM = "PLATFORM"


class PaymentMethod(StrEnum):
    """How a payment was made."""

    CASH = "CASH"
    BANK_TRANSFER = "BANK_TRANSFER"
    MOBILE_MONEY = "MOBILE_MONEY"
    CHEQUE = "CHEQUE"
    CREDIT = "CREDIT"


@dataclass(frozen=True, slots=True)
class NoData:
    """CONFIRM and COMPLETE need nothing but the order."""


@dataclass(frozen=True, slots=True)
class VendorAssignment:
    """ASSIGN_VENDOR: the vendor that gets the offer."""

    vendor_id: str


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """UPDATE_STATUS; ``occurred_at`` is when it really happened, if that wasn't now (the worker refuses the future)."""

    status: OrderStatus
    notes: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cancellation:
    """CANCEL: why, and on whose side."""

    reason: str
    cancelled_by: CancelledBy = CancelledBy.PLATFORM


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """RECORD_PAYMENT: ``number`` names the payment for ever, ``amount`` in rupees, above zero."""

    number: str
    amount: Decimal
    method: PaymentMethod
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentReversal:
    """REVERSE_PAYMENT: takes the payment with that number back."""

    number: str
    reason: str


ActionData = NoData | VendorAssignment | StatusUpdate | Cancellation | PaymentRecord | PaymentReversal


@dataclass(frozen=True, slots=True)
class ProcessOrder(Message):
    """Perform one action on one order. The class of ``data`` goes with ``action``."""

    QUEUE: ClassVar[Queue] = Queue.ORDER_PROCESSING
    JOB_NAME: ClassVar[str] = "order"

    order_id: str
    action: OrderAction
    data: ActionData = field(default_factory=NoData)


class NoDataSchema(ContractSchema):
    """The JSON of ``NoData``."""

    TARGET = NoData


class VendorAssignmentSchema(ContractSchema):
    """The JSON of ``VendorAssignment``."""

    TARGET = VendorAssignment
    vendor_id = Id()


class StatusUpdateSchema(ContractSchema):
    """The JSON of ``StatusUpdate``."""

    TARGET = StatusUpdate
    status = Choice(OrderStatus)
    notes = Text(NOTES_LENGTH, multiline=True, required=False)
    occurred_at = Instant(required=False)


class CancellationSchema(ContractSchema):
    """The JSON of ``Cancellation``."""

    TARGET = Cancellation
    reason = Text(NOTES_LENGTH, multiline=True)
    cancelled_by = Choice(CancelledBy, required=False, default=CancelledBy.PLATFORM)


class PaymentRecordSchema(ContractSchema):
    """The JSON of ``PaymentRecord``."""

    TARGET = PaymentRecord
    number = Id()
    amount = Money(above=True)
    method = Choice(PaymentMethod)
    paid_at = Instant()


class PaymentReversalSchema(ContractSchema):
    """The JSON of ``PaymentReversal``."""

    TARGET = PaymentReversal
    number = Id()
    reason = Text(NOTES_LENGTH, multiline=True)


ACTION_SCHEMAS: dict[str, type[ContractSchema]] = {
    OrderAction.CONFIRM: NoDataSchema,
    OrderAction.ASSIGN_VENDOR: VendorAssignmentSchema,
    OrderAction.UPDATE_STATUS: StatusUpdateSchema,
    OrderAction.COMPLETE: NoDataSchema,
    OrderAction.CANCEL: CancellationSchema,
    OrderAction.RECORD_PAYMENT: PaymentRecordSchema,
    OrderAction.REVERSE_PAYMENT: PaymentReversalSchema,
}


class ProcessOrderSchema(ContractSchema):
    """The JSON of ``ProcessOrder``."""

    TARGET = ProcessOrder
    order_id = Id()
    action = Choice(OrderAction)
    data = OneByKind("action", ACTION_SCHEMAS, empty_if_absent=True)
