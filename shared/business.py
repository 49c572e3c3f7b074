"""The closed sets of the business that several parts share: states, kinds, languages.

What a message may say stands in ``shared.messages``; here is what is stored.
"""

from __future__ import annotations

from enum import StrEnum

LANGUAGES = ("ne", "en")
"""The languages that we write to people in; the first is the default of a retailer and a vendor."""


class OrderState(StrEnum):
    """An order's way, in this order; it is CANCELLED from any state before COMPLETED."""

    DRAFT = "DRAFT"
    CONFIRMED = "CONFIRMED"
    VENDOR_ASSIGNED = "VENDOR_ASSIGNED"
    ACCEPTED = "ACCEPTED"
    DISPATCHED = "DISPATCHED"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


WAY: tuple[OrderState, ...] = tuple(state for state in OrderState if state is not OrderState.CANCELLED)
"""The states of an order that goes well, from the first to the last."""

_ACCEPTED = frozenset(WAY[WAY.index(OrderState.ACCEPTED) :])

OPEN = (OrderState.VENDOR_ASSIGNED, OrderState.ACCEPTED, OrderState.DISPATCHED)
"""The states of an order that keeps its vendor busy."""


def was_accepted(state: OrderState) -> bool:
    """Whether an order in this state has taken stock and raised the debt (CANCELLED: it gave both back)."""
    return state in _ACCEPTED


RELEASE_VENDOR = "RELEASE_VENDOR"
"""The event of an order that goes back from VENDOR_ASSIGNED to CONFIRMED; no message asks for it."""


class PaymentStatus(StrEnum):
    """What was paid of an order: PAID wins over OVERDUE, OVERDUE over PARTIAL."""

    PENDING = "PENDING"
    PARTIAL = "PARTIAL"
    PAID = "PAID"
    OVERDUE = "OVERDUE"


class OfferState(StrEnum):
    """A vendor's offer waits as PENDING; the others are final."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class LedgerKind(StrEnum):
    """Why a ledger entry was written; ORDER and PAYMENT_REVERSED are debits, the others credits."""

    ORDER = "ORDER"
    ORDER_REVERSED = "ORDER_REVERSED"
    PAYMENT = "PAYMENT"
    PAYMENT_REVERSED = "PAYMENT_REVERSED"

    @property
    def is_debit(self) -> bool:
        """Whether the entry raises the retailer's debt."""
        return self in {LedgerKind.ORDER, LedgerKind.PAYMENT_REVERSED}


class ReportState(StrEnum):
    """A report is PENDING until its file is READY or it FAILED; a READY one's file is EXPIRED after its time."""

    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
