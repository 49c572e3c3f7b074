"""The jobs that follow an action: messages, scores, routing; each through the outbox, under the action's job id.

None but the scores has a deduplication key: the step's id makes it one job already, and a key held by a job that
somebody else asked for, and that may yet be refused, would swallow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from services.orders.records import Run
from services.orders.repository import Line
from shared import outbox
from shared.database.models import Order, Retailer, Vendor
from shared.jobs.requests import new_job
from shared.messages.credit import ScoreRetailer, Trigger
from shared.messages.orders import OrderAction, ProcessOrder, VendorAssignment
from shared.messages.routing import OrderData, RouteOrder, WantedItem
from shared.messages.whatsapp import (
    DeliveryStatus,
    DeliveryUpdate,
    Language,
    MessageData,
    MessageType,
    OrderConfirmation,
    OrderLine,
    SendMessage,
    VendorNotification,
)
from shared.money import to_rupees

COMPLETED_SCORE_DELAY_MS = 10_000


def tell_confirmed(tx: Session, retailer: Retailer, order: Order, lines: Sequence[Line], run: Run) -> None:
    """ORDER_CONFIRMATION to the retailer."""
    content = OrderConfirmation(order.number, to_rupees(order.total_paisa), _shown(lines))
    _tell(tx, "confirmation", retailer, MessageType.ORDER_CONFIRMATION, content, run)


def offer(tx: Session, vendor: Vendor, retailer: Retailer, order: Order, lines: Sequence[Line], run: Run) -> None:
    """VENDOR_NOTIFICATION to the vendor, which asks for its answer."""
    total = to_rupees(order.total_paisa)
    content = VendorNotification(order.number, retailer.shop_name, total, _shown(lines))
    _tell(tx, "vendor-notice", vendor, MessageType.VENDOR_NOTIFICATION, content, run)


def tell_status(tx: Session, to: Retailer | Vendor, order: Order, notes: str | None, run: Run) -> None:
    """DELIVERY_UPDATE with the order's state."""
    content = DeliveryUpdate(order.number, DeliveryStatus(order.state.value), notes)
    step = "retailer-notice" if isinstance(to, Retailer) else "vendor-notice"
    _tell(tx, step, to, MessageType.DELIVERY_UPDATE, content, run)


def score(tx: Session, retailer: Retailer, trigger: Trigger, run: Run) -> None:
    """The retailer's credit score; a burst of them becomes one calculation."""
    delay = {"delay": COMPLETED_SCORE_DELAY_MS} if trigger is Trigger.ORDER_COMPLETED else None
    outbox.add(tx, run.job_id, "credit-score", new_job(ScoreRetailer(retailer.code, trigger), delay))


def route(tx: Session, retailer: Retailer, order: Order, lines: Sequence[Line], run: Run) -> None:
    """The order's first routing."""
    items = tuple(WantedItem(line.product, Decimal(line.quantity), to_rupees(line.unit_price_paisa)) for line in lines)
    job = RouteOrder(order.number, OrderData(retailer.code, items))
    outbox.add(tx, run.job_id, "route", new_job(job, {"deduplicate": False}))


def route_again(tx: Session, order: Order, attempt: int, previous_vendor: str, run: Run) -> None:
    """A later routing, after the call's delay of a minute; ``attempt`` is 2 or more."""
    job = RouteOrder(order.number, attempt=attempt, previous_vendor_id=previous_vendor)
    outbox.add(tx, run.job_id, "route", new_job(job, {"deduplicate": False}))


def assign(tx: Session, order: Order, vendor: str, run: Run) -> None:
    """ASSIGN_VENDOR for the vendor that the draft names."""
    job = ProcessOrder(order.number, OrderAction.ASSIGN_VENDOR, VendorAssignment(vendor))
    outbox.add(tx, run.job_id, "assign-vendor", new_job(job, {"deduplicate": False}))


def check_expiry(tx: Session, order: Order, vendor: str, attempt: int, deadline: datetime, run: Run) -> None:
    """The check, at the offer's deadline, whether the vendor answered: a routing with it as the previous vendor."""
    delay_ms = max(0, round((deadline - run.now).total_seconds() * 1000))
    options: dict[str, Any] = {"deduplicate": False, "delay": delay_ms}
    job = RouteOrder(order.number, attempt=attempt + 1, previous_vendor_id=vendor)
    outbox.add(tx, run.job_id, "expiry-check", new_job(job, options))


def _tell(
    tx: Session, step: str, to: Retailer | Vendor, message_type: MessageType, content: MessageData, run: Run
) -> None:
    job = SendMessage(message_type, to.phone, content, Language(to.language))
    outbox.add(tx, run.job_id, step, new_job(job))


def _shown(lines: Sequence[Line]) -> tuple[OrderLine, ...]:
    return tuple(
        OrderLine(line.name, quantity=Decimal(line.quantity), unit_price=to_rupees(line.unit_price_paisa))
        for line in lines
    )
