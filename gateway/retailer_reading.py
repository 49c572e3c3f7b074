"""What the gateway reads of retailers: a constant number of queries, however long their history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session
from typing_extensions import override

from gateway.errors import Problem
from gateway.operator_requests import MAX_PAGE, QueryFlag, QueryWhole
from gateway.snapshot import snapshot
from shared.database.models import ContactPreference, CreditScore, LedgerEntry, Order, Payment, Retailer
from shared.messages import ContractSchema
from shared.messages.fields import Value

_CURSOR_DIGITS = 18


class LedgerCursor(Value[int]):
    """How many of a ledger's entries, counted from the oldest, are still to come; entries are never removed."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^[1-9][0-9]{{0,{_CURSOR_DIGITS - 1}}}$"}

    @override
    def read(self, value: Any) -> int:
        is_count = isinstance(value, str) and value.isascii() and value.isdigit() and value[0] != "0"
        if not is_count or len(value) > _CURSOR_DIGITS:
            raise ValidationError("is not one that a page returned")
        return int(value)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of a retailer's history, and whether with personal data."""

    reveal: bool
    cursor: int | None
    limit: int


class WantedSchema(ContractSchema):
    """``?reveal&cursor&limit``; ``cursor`` goes on in the ledger, ``limit`` holds for ledger and scores each."""

    TARGET = Wanted
    reveal = QueryFlag(required=False, default=False)
    cursor = LedgerCursor(required=False)
    limit = QueryWhole(1, MAX_PAGE, required=False, default=50)


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Entries with the numbers of their order and payment, newest first; ``cursor`` is None on the last page."""

    entries: Sequence[Row[LedgerEntry, str, str]]
    cursor: int | None


@dataclass(frozen=True, slots=True)
class WholeRetailer:
    """A retailer, a page of its ledger, and its newest scores, the newest first."""

    retailer: Retailer
    opted_out: bool
    ledger: LedgerPage
    scores: Sequence[CreditScore]


def whole_retailer(code: str, wanted: Wanted) -> WholeRetailer:
    """The retailer with that code, as it is at one moment. Raises Problem 404."""
    with snapshot() as tx:
        found = tx.execute(
            select(Retailer, func.coalesce(ContactPreference.opted_out, False))
            .outerjoin(ContactPreference, ContactPreference.phone == Retailer.phone)
            .where(Retailer.code == code)
        ).one_or_none()
        if found is None:
            raise Problem(404, f"No retailer has the code {code}", code="retailer_not_found")
        retailer, opted_out = found
        scores = (
            select(CreditScore)
            .where(CreditScore.retailer_id == retailer.id)
            .order_by(CreditScore.calculated_at.desc(), CreditScore.id.desc())
            .limit(wanted.limit)
        )
        page = _ledger(tx, retailer.id, wanted)
        return WholeRetailer(retailer, bool(opted_out), page, tx.scalars(scores).all())


def _ledger(tx: Session, retailer_id: int, wanted: Wanted) -> LedgerPage:
    total = tx.scalars(select(func.count()).where(LedgerEntry.retailer_id == retailer_id)).one()
    end = total if wanted.cursor is None else min(wanted.cursor, total)
    start = max(0, end - wanted.limit)
    entries = (
        select(LedgerEntry, Order.number, Payment.number)
        .outerjoin(Order, Order.id == LedgerEntry.order_id)
        .outerjoin(Payment, Payment.id == LedgerEntry.payment_id)
        .where(LedgerEntry.retailer_id == retailer_id)
        .order_by(LedgerEntry.id)
        .offset(start)
        .limit(end - start)
    )
    return LedgerPage(tx.execute(entries).all()[::-1], start or None)
