"""The writer of imported orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import override

from shared import bookkeeping
from shared.business import LedgerKind, OrderState, PaymentStatus
from shared.clock import business_day
from shared.database.behind import Behind
from shared.database.bulk import among
from shared.database.models import Order, OrderEvent, Vendor
from shared.master.batches import Batch, store
from shared.master.ledger import Account, Ledger
from shared.master.lookup import ids_of
from shared.master.order_rules import REACHED, Checked, checked
from shared.master.outcome import UNCHANGED, Given, Outcome, Result, WrongRow
from shared.master.rows import OrderRow
from shared.master.schemas import OrderSchema
from shared.master.vendor_totals import VendorTotals
from shared.messages.base import ContractSchema

ACTION = "IMPORT"
"""What the event of an imported order says; its details keep the row as it came."""
ACTOR = "import"

_DELIVERED = (OrderState.DELIVERED, OrderState.COMPLETED)
_Json = dict[str, Any]


def import_orders(tx: Session, rows: Sequence[OrderRow], now: datetime, given: Given | None = None) -> list[Outcome]:
    """Store orders as they stand, with their ledger entries; a known number must come with the same columns.

    An order is compared with the row that it came from, so importing it again is a no-op whatever it has become since.
    """
    return store(tx, lambda behind, some: _Batch(tx, behind, some, now), rows, given)


@dataclass(frozen=True, slots=True)
class _New:
    """An order to be stored."""

    row: OrderRow
    checked: Checked
    account: Account
    json: _Json


class _Batch(Batch[OrderRow, _New]):
    """The orders of one call and what they refer to."""

    MODEL = Order

    def __init__(self, tx: Session, behind: Behind, rows: Sequence[OrderRow], now: datetime) -> None:
        super().__init__(behind)
        self._now = now
        self._today = business_day(now)
        self._ledger = Ledger.of_codes(tx, (row.retailer_code for row in rows), now)
        self._vendors = ids_of(tx, Vendor, (row.vendor_code for row in rows))
        self._known = _known(tx, {row.number for row in rows})
        self._totals = VendorTotals()

    @override
    def take(self, row: OrderRow, given: frozenset[str] | None) -> Outcome:
        """Compare a known order, keep a new one; raises ``WrongRow``."""
        json = _schema().encode(row)
        if row.number in self._known:
            return _same(row.number, self._known[row.number], json, given)
        account = self._ledger.by_code.get(row.retailer_code)
        if account is None:
            raise WrongRow("retailer_code", f"there is no retailer {row.retailer_code}")
        if row.vendor_code is not None and row.vendor_code not in self._vendors:
            raise WrongRow("vendor_code", f"there is no vendor {row.vendor_code}")
        self._taken[row.number] = _New(row, checked(row, self._now), account, json)
        self._known[row.number] = json
        return Outcome(Result.CREATED, retailer=row.retailer_code)

    @override
    def follow_up(self, new: dict[str, _New], ids: dict[str, int]) -> None:
        """Their events and entries, and what they add to their vendors."""
        for number, each in new.items():
            self._post(ids[number], each)
            self._count(each)
        self._behind.insert(OrderEvent, [self._event(ids[number], each) for number, each in new.items()])
        self._ledger.write(self._behind)

    @override
    def end(self) -> None:
        """The debts of the retailers, the totals of the vendors."""
        self._ledger.write_debts(self._behind)
        self._totals.write(self._behind)

    @override
    def columns(self, new: _New) -> dict[str, Any]:
        """The order as it stands in the file."""
        row, totals = new.row, new.checked.totals
        due_on = row.due_on
        if due_on is None and row.status in _DELIVERED and row.delivered_at is not None:
            due_on = bookkeeping.due_on(row.delivered_at, new.account.terms_days)
        return {
            "number": row.number,
            "retailer_id": new.account.id,
            "vendor_id": None if row.vendor_code is None else self._vendors[row.vendor_code],
            "state": row.status,
            "payment_status": self._status(new, due_on),
            "subtotal_paisa": totals.subtotal_paisa,
            "tax_paisa": totals.tax_paisa,
            "total_paisa": totals.total_paisa,
            "paid_paisa": 0,
            "due_on": due_on,
            "imported": True,
            "cancelled_by": row.cancelled_by,
            "cancelled_at": row.cancelled_at,
            "created_at": new.checked.created_at,
            **{column: getattr(row, column) for column in REACHED},
        }

    def _status(self, new: _New, due_on: Any) -> PaymentStatus:
        total = new.checked.totals.total_paisa
        return bookkeeping.payment_status(total_paisa=total, paid_paisa=0, due_on=due_on, today=self._today)

    def _event(self, order_id: int, new: _New) -> dict[str, Any]:
        return {
            "order_id": order_id,
            "action": ACTION,
            "from_state": None,
            "to_state": new.row.status,
            "actor": ACTOR,
            "details": {"row": new.json},
            "at": self._now,
            "recorded_at": self._now,
        }

    def _post(self, order_id: int, new: _New) -> None:
        amount = new.checked.totals.total_paisa
        if new.checked.debited_at is None:
            return
        self._ledger.post(new.account.id, LedgerKind.ORDER, amount, new.checked.debited_at, order_id=order_id)
        if new.checked.reversed_at is not None:
            kind, at = LedgerKind.ORDER_REVERSED, new.checked.reversed_at
            self._ledger.post(new.account.id, kind, amount, at, order_id=order_id)

    def _count(self, new: _New) -> None:
        if new.row.status is OrderState.COMPLETED and new.row.vendor_code is not None:
            self._totals.add(self._vendors[new.row.vendor_code], new.checked.totals.total_paisa)


@cache
def _schema() -> ContractSchema:
    return OrderSchema()


def _known(tx: Session, numbers: set[str]) -> dict[str, _Json | None]:
    """The row that each order that is there came from, None for one that wasn't imported."""
    orders, events = Order.__table__.c, OrderEvent.__table__.c
    query = (
        select(orders.number, events.details)
        .outerjoin_from(
            Order.__table__, OrderEvent.__table__, (events.order_id == orders.id) & (events.action == ACTION)
        )
        .where(among(tx, orders.number, numbers))
    )
    return {number: None if details is None else details["row"] for number, details in tx.execute(query)}


def _same(number: str, known: _Json | None, json: _Json, given: frozenset[str] | None) -> Outcome:
    """UNCHANGED if the columns that came are as they were; ``WrongRow`` names the others."""
    if known is None:
        raise WrongRow("number", f"{number} is an order that was not imported")
    names = [name for name in _schema().fields if given is None or name in given]
    keys = dict(zip(_schema().fields, _schema().keys(), strict=True))
    changed = [name for name in names if json.get(keys[name]) != known.get(keys[name])]
    if not changed:
        return UNCHANGED
    was = known.get(keys[changed[0]], "empty")
    others = f"; also changed: {', '.join(changed[1:])}" if changed[1:] else ""
    raise WrongRow(changed[0], f"was {was} when {number} was imported, and an imported order can't be changed{others}")
