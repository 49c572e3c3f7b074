"""Finding a vendor for an order: look, choose, store why, and ask for what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from services.routing import domain, repository
from services.routing.candidates import candidates
from services.routing.domain import FollowUp
from services.routing.repository import Basket
from shared import logs, outbox
from shared.business import OrderState
from shared.database.models import Order
from shared.errors import Refused
from shared.jobs.requests import new_job
from shared.mail import JOB_OPTIONS
from shared.messages.orders import OrderAction, ProcessOrder, VendorAssignment
from shared.messages.routing import AlertOperator, RouteOrder

_log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job: its id, the business clock's instant, and whether a person is told of what needs one."""

    job_id: str
    now: datetime
    alerts_operator: bool = False


@dataclass(frozen=True, slots=True)
class Routed:
    """What a routing came to: ``vendor_id`` is None if nobody was chosen, ``changed`` false if nothing was due."""

    order_id: str
    explanation: str
    changed: bool = True
    vendor_id: str | None = None
    score: Decimal | None = None
    candidates: int = 0
    needs_manual_routing: bool = False


def find_vendor(tx: Session, order: Order, job: RouteOrder, run: Run) -> Routed:
    """Choose a vendor for the locked order and have it assigned, or see to it that somebody looks again."""
    if order.state is not OrderState.CONFIRMED:
        return Routed(order.number, f"{order.number} is {order.state} and needs no vendor.", changed=False)
    basket = repository.basket(tx, order)
    _check(job, basket)
    tried = repository.vendors_tried(tx, order)
    if domain.before_looking(len(tried)) is FollowUp.MANUAL:
        return _leave_to_a_person(tx, order, f"{len(tried)} vendors were asked in vain.", run)
    vendors = candidates(tx, basket.products, run.now)
    decision = domain.decide(vendors, basket.items, basket.place, tried=tried)
    repository.save_decision(tx, order, decision, attempt=job.attempt, job_id=run.job_id, now=run.now)
    if decision.chosen is None:
        return _look_again(tx, order, job, decision.explanation, run)
    order.needs_manual_routing = False
    vendor = decision.chosen.vendor
    assignment = ProcessOrder(order.number, OrderAction.ASSIGN_VENDOR, VendorAssignment(vendor))
    outbox.add(tx, run.job_id, "assign-vendor", new_job(assignment, {"deduplicate": False}))
    return Routed(
        order.number,
        decision.explanation,
        vendor_id=vendor,
        score=Decimal(decision.chosen.total_hundredths) / 100,
        candidates=len(decision.candidates),
    )


def _check(job: RouteOrder, basket: Basket) -> None:
    """Refuse data that isn't the order's: the order itself is what gets routed."""
    if not basket.items:
        raise Refused(f"{job.order_id} has no items: there is nothing to find a vendor for")
    if job.order_data is None:
        return
    if job.order_data.retailer_id != basket.retailer:
        raise Refused(f"{job.order_id} is not an order of the retailer {job.order_data.retailer_id}")
    wanted = {(item.product_id, item.quantity) for item in job.order_data.items}
    if wanted != {(item.product, Decimal(item.quantity)) for item in basket.items}:
        raise Refused(f"orderData.items are not the items of {job.order_id}")


def _look_again(tx: Session, order: Order, job: RouteOrder, explanation: str, run: Run) -> Routed:
    if domain.after_finding_nobody(repository.looks_in_vain(tx, order)) is FollowUp.MANUAL:
        return _leave_to_a_person(tx, order, explanation, run)
    route_again(tx, order, job.previous_vendor_id, job.attempt, domain.LOOK_AGAIN_AFTER, run)
    return Routed(order.number, explanation)


def _leave_to_a_person(tx: Session, order: Order, explanation: str, run: Run) -> Routed:
    repository.flag_for_manual_routing(tx, order, notes=explanation, job_id=run.job_id, now=run.now)
    if run.alerts_operator:
        outbox.add(tx, run.job_id, "alert-operator", new_job(AlertOperator(order.number), JOB_OPTIONS))
    _log.warning(
        "order.needs_manual_routing",
        order=order.number,
        message=f"{order.number} needs a vendor by hand: {explanation}",
    )
    return Routed(order.number, explanation, needs_manual_routing=True)


def route_again(tx: Session, order: Order, previous: str | None, attempt: int, after: timedelta, run: Run) -> None:
    """Ask for the next look, ``after`` from now.

    Without a deduplication key: the step's id makes it one job, and a key that a waiting expiry check
    or the running job holds would swallow it.
    """
    following = RouteOrder(order.number, attempt=attempt + 1, previous_vendor_id=previous)
    options: dict[str, Any] = {"deduplicate": False, "delay": round(after.total_seconds() * 1000)}
    outbox.add(tx, run.job_id, "route-again", new_job(following, options))
