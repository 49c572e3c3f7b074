"""CONFIRM: within the retailer's credit limit or refused; then a vendor is looked for."""

from __future__ import annotations

from sqlalchemy.orm import Session

from services.orders import domain, following, repository
from services.orders.phrases import refusal_note
from services.orders.records import Opened, Outcome, Run, add_event, open_order
from shared.errors import Refused
from shared.messages.credit import Trigger
from shared.messages.orders import OrderAction
from shared.messages.whatsapp import MAX_LINES


def confirm(tx: Session, number: str, run: Run) -> Outcome:
    """Confirm a draft. Over the limit, or of an inactive retailer, it stays one, and both history and retailer know."""
    opened = open_order(tx, number, OrderAction.CONFIRM)
    retailer, order = opened.retailer, opened.order
    if not opened.step.changed:
        return opened.done()
    lines = repository.lines(tx, order)
    if not 1 <= len(lines) <= MAX_LINES:
        raise Refused(f"{number} has {len(lines)} items: an order is confirmed with 1 to {MAX_LINES}")
    shortfall = domain.shortfall_paisa(
        limit_paisa=retailer.credit_limit_paisa,
        debt_paisa=retailer.debt_paisa,
        open_paisa=repository.open_paisa(tx, order),
        total_paisa=order.total_paisa,
    )
    reason = domain.refusal_to_confirm(active=retailer.active, shortfall_paisa=shortfall)
    if reason is not None:
        return _refuse(tx, opened, reason, shortfall, run)
    order.state, order.confirmed_at = opened.step.to_state, run.now
    add_event(tx, opened, run)
    following.tell_confirmed(tx, retailer, order, lines, run)
    following.score(tx, retailer, Trigger.ORDER_CONFIRMED, run)
    if order.vendor_id is None:
        following.route(tx, retailer, order, lines, run)
    else:
        following.assign(tx, order, repository.vendor(tx, order.vendor_id).code, run)
    return opened.done()


def _refuse(tx: Session, opened: Opened, reason: str, shortfall: int, run: Run) -> Outcome:
    details = {"refused": reason, "shortfallPaisa": shortfall}
    add_event(tx, opened, run, notes=f"refused: {reason}", details=details)
    note = refusal_note(opened.retailer.language, active=opened.retailer.active, shortfall_paisa=shortfall)
    following.tell_status(tx, opened.retailer, opened.order, note, run)
    return opened.refused(reason)
