"""The writer of draft orders: creates one, or replaces one that is still a draft.

A draft that is replaced keeps what the new one doesn't speak of (``given``); null empties vendor, due date and items.
Its retailer and the time of its making stay, and so do its amounts while its items do, unless others are said: an
imported draft may hold a discount. The order is locked, so a confirmation comes before or after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shared import bookkeeping
from shared.bookkeeping import Totals
from shared.business import OrderState, PaymentStatus
from shared.clock import business_day
from shared.database.bulk import insert_many, insert_missing
from shared.database.models import Order, OrderEvent, OrderItem, Product, Retailer, Vendor
from shared.master import draft_rules as rules
from shared.master.draft_rules import Line, NoDraft, Wrongs
from shared.master.draft_schemas import Draft, NewDraft
from shared.master.lookup import ids_of
from shared.master.numbers import next_order_number
from shared.master.outcome import Result
from shared.money import to_paisa, to_rupees

ACTION = "DRAFT"
"""What the events of made and replaced drafts say."""


@dataclass(frozen=True, slots=True)
class Making:
    """Who makes the draft, and when."""

    actor: str
    now: datetime


def put_draft(tx: Session, draft: Draft, given: frozenset[str], making: Making) -> Result:
    """Create the draft, or bring it up to what is said; ``DraftRefused``, or ``NoDraft`` for one that has gone on."""
    wrong = Wrongs()
    known = _known(tx, draft, making, wrong)
    stored = _locked(tx, draft.number)
    if stored is None:
        wanted = _new(draft, known, making, wrong)
        wrong.stop()
        if _insert(tx, draft.number, wanted, making):
            return Result.CREATED
        # Another transaction made it between our look and our insert.
        stored = _locked(tx, draft.number)
        if stored is None:
            raise RuntimeError(f"the order {draft.number} is neither there nor can it be made")
    return _replace(tx, draft, given, known, stored, making, wrong)


def make_draft(tx: Session, draft: NewDraft, making: Making) -> str:
    """Create a draft under the next number; returns that. Raises ``DraftRefused``."""
    wrong = Wrongs()
    wanted = _new(draft, _known(tx, draft, making, wrong), making, wrong)
    wrong.stop()
    while True:
        number = next_order_number(tx, business_day(making.now))
        if _insert(tx, number, wanted, making):
            return number


@dataclass(frozen=True, slots=True)
class _Known:
    """The keys of what the draft names; 0 for a retailer and None for a vendor that nobody knows."""

    retailer_id: int
    vendor_id: int | None
    lines: dict[int, Line]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The columns of the order and its lines by the product's key."""

    retailer_id: int
    vendor_id: int | None
    totals: Totals
    due_on: date | None
    created_at: datetime
    lines: dict[int, Line]


@dataclass(frozen=True, slots=True)
class _Stored:
    """An order that is there, locked."""

    id: int
    state: OrderState
    paid_paisa: int
    is_as: _Wanted


def _known(tx: Session, draft: NewDraft, making: Making, wrong: Wrongs) -> _Known:
    """Look up what the draft names; what nobody knows, and a time to come, is noted in ``wrong``."""
    items = draft.items or ()
    retailers = ids_of(tx, Retailer, [draft.retailer_code])
    vendors = ids_of(tx, Vendor, [draft.vendor_code])
    products = ids_of(tx, Product, (item.product_code for item in items))
    if draft.retailer_code not in retailers:
        wrong.add("retailer_code", f"there is no retailer {draft.retailer_code}")
    if draft.vendor_code is not None and draft.vendor_code not in vendors:
        wrong.add("vendor_code", f"there is no vendor {draft.vendor_code}")
    if draft.created_at is not None and draft.created_at > making.now:
        wrong.add("created_at", "lies in the future")
    rules.twice(items, wrong)
    lines = {}
    for index, item in enumerate(items):
        if item.product_code in products:
            lines[products[item.product_code]] = (item.quantity, to_paisa(item.unit_price))
        else:
            wrong.add(f"items.{index}.product_code", f"there is no product {item.product_code}")
    vendor_id = None if draft.vendor_code is None else vendors.get(draft.vendor_code)
    return _Known(retailers.get(draft.retailer_code, 0), vendor_id, lines)


def _new(draft: NewDraft, known: _Known, making: Making, wrong: Wrongs) -> _Wanted:
    totals = rules.totals(draft, _lines_said(draft), wrong)
    created_at = draft.created_at or making.now
    return _Wanted(known.retailer_id, known.vendor_id, totals, draft.due_on, created_at, known.lines)


def _lines_said(draft: NewDraft) -> list[Line]:
    return [(item.quantity, to_paisa(item.unit_price)) for item in draft.items or ()]


def _replace(
    tx: Session,
    draft: Draft,
    given: frozenset[str],
    known: _Known,
    stored: _Stored,
    making: Making,
    wrong: Wrongs,
) -> Result:
    old = stored.is_as
    lines = known.lines if "items" in given else old.lines
    if lines == old.lines and rules.agrees(draft, old.totals):
        totals = old.totals
    else:
        totals = rules.totals(draft, _lines_said(draft) if "items" in given else lines.values(), wrong)
    wanted = _Wanted(
        retailer_id=known.retailer_id,
        vendor_id=known.vendor_id if "vendor_code" in given else old.vendor_id,
        totals=totals,
        due_on=draft.due_on if "due_on" in given else old.due_on,
        created_at=draft.created_at or old.created_at,
        lines=lines,
    )
    wrong.stop()
    if wanted == old:
        return Result.UNCHANGED
    if stored.state is not OrderState.DRAFT:
        raise NoDraft(draft.number, stored.state)
    _check_kept(draft, wanted, stored, wrong)
    _update(tx, stored, wanted, making)
    return Result.UPDATED


def _check_kept(draft: Draft, wanted: _Wanted, stored: _Stored, wrong: Wrongs) -> None:
    """``DraftRefused`` if the draft would become another retailer's, or cheaper than what is paid of it."""
    if wanted.retailer_id != stored.is_as.retailer_id:
        wrong.add("retailer_code", f"the draft {draft.number} is another retailer's, and stays so")
    if wanted.created_at != stored.is_as.created_at:
        wrong.add("created_at", f"the draft {draft.number} was made at another time, which stays")
    if wanted.totals.total_paisa < stored.paid_paisa:
        total, paid = to_rupees(wanted.totals.total_paisa), to_rupees(stored.paid_paisa)
        wrong.add("total", f"is {total}, but {paid} of the order is paid already")
    wrong.stop()


def _insert(tx: Session, number: str, wanted: _Wanted, making: Making) -> bool:
    """Store the order with its items and its first event; False if the number is taken."""
    columns = {
        "number": number,
        "retailer_id": wanted.retailer_id,
        "state": OrderState.DRAFT,
        "created_at": wanted.created_at,
        **_changing(wanted, 0, making),
    }
    for (order_id,) in insert_missing(tx, Order, [columns], ("id",)):
        insert_many(tx, OrderItem, _items(order_id, wanted.lines))
        _add_event(tx, order_id, None, wanted, making)
        return True
    return False


def _update(tx: Session, stored: _Stored, wanted: _Wanted, making: Making) -> None:
    changing = _changing(wanted, stored.paid_paisa, making)
    tx.execute(update(Order).where(Order.id == stored.id).values(changing), execution_options=_UNSEEN)
    if wanted.lines != stored.is_as.lines:
        tx.execute(delete(OrderItem).where(OrderItem.order_id == stored.id), execution_options=_UNSEEN)
        insert_many(tx, OrderItem, _items(stored.id, wanted.lines))
    _add_event(tx, stored.id, OrderState.DRAFT, wanted, making)


def _changing(wanted: _Wanted, paid_paisa: int, making: Making) -> dict[str, Any]:
    """The columns that a replacement may change."""
    total = wanted.totals.total_paisa
    return {
        "vendor_id": wanted.vendor_id,
        "subtotal_paisa": wanted.totals.subtotal_paisa,
        "tax_paisa": wanted.totals.tax_paisa,
        "total_paisa": total,
        "due_on": wanted.due_on,
        "payment_status": _status(total, paid_paisa, wanted.due_on, making),
    }


def _status(total_paisa: int, paid_paisa: int, due_on: date | None, making: Making) -> PaymentStatus:
    today = business_day(making.now)
    return bookkeeping.payment_status(total_paisa=total_paisa, paid_paisa=paid_paisa, due_on=due_on, today=today)


def _items(order_id: int, lines: Mapping[int, Line]) -> list[dict[str, int]]:
    return [
        {"order_id": order_id, "product_id": product_id, "quantity": quantity, "unit_price_paisa": price}
        for product_id, (quantity, price) in lines.items()
    ]


def _add_event(tx: Session, order_id: int, was: OrderState | None, wanted: _Wanted, making: Making) -> None:
    details = {"totalPaisa": wanted.totals.total_paisa, "items": len(wanted.lines)}
    event = OrderEvent(order_id=order_id, action=ACTION, from_state=was, to_state=OrderState.DRAFT, details=details)
    event.actor, event.at, event.recorded_at = making.actor, making.now, making.now
    tx.add(event)
    tx.flush()


_UNSEEN = {"synchronize_session": False}
"""The session holds no objects of what is written here."""


def _locked(tx: Session, number: str) -> _Stored | None:
    """The order with that number, locked until the transaction ends."""
    columns = Order.__table__.c
    names = ("id", "state", "paid_paisa", "retailer_id", "vendor_id", "subtotal_paisa", "tax_paisa")
    query = select(*(columns[name] for name in (*names, "due_on", "created_at")))
    row = tx.execute(query.where(columns.number == number).with_for_update()).one_or_none()
    if row is None:
        return None
    totals = Totals(row.subtotal_paisa, row.tax_paisa)
    lines = _stored_lines(tx, row.id)
    is_as = _Wanted(row.retailer_id, row.vendor_id, totals, row.due_on, row.created_at, lines)
    return _Stored(row.id, row.state, row.paid_paisa, is_as)


def _stored_lines(tx: Session, order_id: int) -> dict[int, Line]:
    columns = OrderItem.__table__.c
    query = select(columns.product_id, columns.quantity, columns.unit_price_paisa).where(columns.order_id == order_id)
    return {product: (quantity, price) for product, quantity, price in tx.execute(query)}
