"""The writer of imported payments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import override

from shared import bookkeeping
from shared.business import LedgerKind
from shared.clock import business_day
from shared.database.behind import Behind
from shared.database.bulk import among
from shared.database.models import Order, Payment
from shared.master.batches import Batch, store
from shared.master.ledger import Ledger
from shared.master.outcome import UNCHANGED, Given, Outcome, Result, WrongRow
from shared.master.rows import PaymentRow
from shared.money import to_paisa, to_rupees

REVERSAL_REASON = "imported as reversed"


def import_payments(
    tx: Session, rows: Sequence[PaymentRow], now: datetime, given: Given | None = None
) -> list[Outcome]:
    """Store payments with their ledger entries and what they settle; a known number must come unchanged.

    A reversed one has both entries, dated alike, and settles nothing. More than is due on the order is refused.
    """
    return store(tx, lambda behind, some: _Batch(tx, behind, some, now), rows, given)


@dataclass(slots=True)
class _Order:
    """A locked order."""

    id: int
    number: str
    retailer_id: int
    total_paisa: int
    paid_paisa: int
    due_on: date | None
    due_paisa: int = 0
    """What is left of the total, the payments that are about to be stored taken off."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A payment that is stored, or about to be; ``is_reversed`` is None where that was done here since."""

    order_id: int
    amount_paisa: int
    method: str
    paid_at: datetime
    is_reversed: bool | None


class _Batch(Batch[PaymentRow, PaymentRow]):
    """The payments of one call and what they refer to."""

    MODEL = Payment

    def __init__(self, tx: Session, behind: Behind, rows: Sequence[PaymentRow], now: datetime) -> None:
        super().__init__(behind)
        self._now = now
        self._today = business_day(now)
        orders = Order.__table__.c
        of_batch = among(tx, orders.number, {row.order_number for row in rows})
        # Retailers before orders, as the order service locks them.
        retailers = tx.scalars(select(orders.retailer_id).where(of_batch).distinct())
        self._ledger = Ledger.of_ids(tx, retailers, now)
        names = ("id", "number", "retailer_id", "total_paisa", "paid_paisa", "due_on")
        locked = select(*(orders[name] for name in names)).where(of_batch).order_by(orders.id).with_for_update()
        found = [_Order(*row) for row in tx.execute(locked)]
        self._orders = {order.number: order for order in found}
        for order in found:
            order.due_paisa = order.total_paisa - order.paid_paisa
        self._known = _known(tx, {row.number for row in rows})
        self._paid: dict[int, _Order] = {}

    @override
    def take(self, row: PaymentRow, given: frozenset[str] | None) -> Outcome:
        """Compare a known payment, keep a new one; raises ``WrongRow``."""
        order = self._orders.get(row.order_number)
        if order is None:
            raise WrongRow("order_number", f"there is no order {row.order_number}")
        amount = to_paisa(row.amount)
        if row.number in self._known:
            return _same(row, order, self._known[row.number], given)
        if row.paid_at > self._now:
            raise WrongRow("paid_at", "lies in the future")
        due = order.total_paisa if row.reversed else order.due_paisa
        if amount > due:
            raise WrongRow("amount", f"{row.amount} is more than the {to_rupees(due)} due on {row.order_number}")
        if not row.reversed:
            order.due_paisa -= amount
        self._taken[row.number] = row
        self._known[row.number] = _Known(order.id, amount, row.method, row.paid_at, row.reversed)
        return Outcome(Result.CREATED, retailer=self._ledger.by_id[order.retailer_id].code)

    @override
    def follow_up(self, new: dict[str, PaymentRow], ids: dict[str, int]) -> None:
        """Their entries; what they settle is added up."""
        for number, row in new.items():
            order = self._orders[row.order_number]
            self._post(row, order, ids[number])
            if not row.reversed:
                order.paid_paisa += to_paisa(row.amount)
                self._paid[order.id] = order
        self._ledger.write(self._behind)

    @override
    def end(self) -> None:
        """The debts of the retailers, and what the orders are paid to."""
        self._ledger.write_debts(self._behind)
        self._behind.update(Order, ["id"], [self._settled(order) for order in self._paid.values()])

    @override
    def columns(self, new: PaymentRow) -> dict[str, Any]:
        """The payment."""
        order = self._orders[new.order_number]
        return {
            "number": new.number,
            "order_id": order.id,
            "retailer_id": order.retailer_id,
            "amount_paisa": to_paisa(new.amount),
            "method": new.method,
            "paid_at": new.paid_at,
            "recorded_at": self._now,
            "reversed_at": new.paid_at if new.reversed else None,
            "reversal_reason": REVERSAL_REASON if new.reversed else None,
        }

    def _post(self, row: PaymentRow, order: _Order, payment_id: int) -> None:
        kinds = [LedgerKind.PAYMENT, LedgerKind.PAYMENT_REVERSED] if row.reversed else [LedgerKind.PAYMENT]
        for kind in kinds:
            amount, about = to_paisa(row.amount), {"order_id": order.id, "payment_id": payment_id}
            self._ledger.post(order.retailer_id, kind, amount, row.paid_at, **about)

    def _settled(self, order: _Order) -> dict[str, Any]:
        status = bookkeeping.payment_status(
            total_paisa=order.total_paisa,
            paid_paisa=order.paid_paisa,
            due_on=order.due_on,
            today=self._today,
        )
        return {"id": order.id, "paid_paisa": order.paid_paisa, "payment_status": status}


def _known(tx: Session, numbers: Iterable[str]) -> dict[str, _Known]:
    columns = Payment.__table__.c
    names = ("number", "order_id", "amount_paisa", "method", "paid_at", "reversed_at", "reversal_reason")
    known = {}
    for row in tx.execute(select(*(columns[name] for name in names)).where(among(tx, columns.number, numbers))):
        was_here = row.reversed_at is not None and row.reversal_reason != REVERSAL_REASON
        is_reversed = None if was_here else row.reversed_at is not None
        known[row.number] = _Known(row.order_id, row.amount_paisa, row.method, row.paid_at, is_reversed)
    return known


def _same(row: PaymentRow, order: _Order, known: _Known, given: frozenset[str] | None) -> Outcome:
    """UNCHANGED if the columns that came are as they are stored; ``WrongRow`` names the first that is not."""
    differs = {
        "order_number": order.id != known.order_id,
        "amount": to_paisa(row.amount) != known.amount_paisa,
        "method": row.method != known.method,
        "paid_at": row.paid_at != known.paid_at,
        "reversed": known.is_reversed is not None and row.reversed is not known.is_reversed,
    }
    for name, is_other in differs.items():
        if is_other and (given is None or name in given):
            raise WrongRow(name, f"is another in the payment {row.number}, which is stored and can't be changed")
    return UNCHANGED
