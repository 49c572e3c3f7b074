"""The ledger of a batch: entries in the order in which they are posted, and the debts that they leave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from shared import bookkeeping
from shared.business import LedgerKind
from shared.database.behind import Behind
from shared.database.bulk import among
from shared.database.models import LedgerEntry, Retailer


@dataclass(slots=True)
class Account:
    """A locked retailer."""

    id: int
    code: str
    terms_days: int
    debt_paisa: int


class Ledger:
    """Posts entries on accounts that are locked until the transaction ends."""

    def __init__(self, accounts: Iterable[Account], now: datetime) -> None:
        self.by_code = {account.code: account for account in accounts}
        self.by_id = {account.id: account for account in self.by_code.values()}
        self._now = now
        self._entries: list[dict[str, Any]] = []
        self._moved: set[int] = set()

    @classmethod
    def of_codes(cls, tx: Session, codes: Iterable[str], now: datetime) -> Ledger:
        """The ledger of the retailers with these codes; unknown ones are left out."""
        return cls(_locked(tx, among(tx, _CODE, set(codes))), now)

    @classmethod
    def of_ids(cls, tx: Session, ids: Iterable[int], now: datetime) -> Ledger:
        """The ledger of the retailers with these keys."""
        return cls(_locked(tx, among(tx, _ID, set(ids))), now)

    def post(self, retailer_id: int, kind: LedgerKind, amount_paisa: int, at: datetime, **about: int) -> None:
        """Enter an amount (0 changes nothing) about ``order_id`` and, for a payment, ``payment_id``."""
        account = self.by_id[retailer_id]
        entry = bookkeeping.entry(kind, amount_paisa, debt_paisa=account.debt_paisa)
        if entry is None:
            return
        account.debt_paisa = entry.balance_paisa
        self._entries.append(
            {
                "retailer_id": retailer_id,
                "kind": kind,
                "order_id": about["order_id"],
                "payment_id": about.get("payment_id"),
                "debit_paisa": entry.debit_paisa,
                "credit_paisa": entry.credit_paisa,
                "balance_paisa": entry.balance_paisa,
                "at": at,
                "recorded_at": self._now,
            }
        )

    def write(self, behind: Behind) -> None:
        """Have the entries stored that were posted since the last call."""
        entries, self._entries = self._entries, []
        self._moved.update(entry["retailer_id"] for entry in entries)
        behind.insert(LedgerEntry, entries)

    def write_debts(self, behind: Behind) -> None:
        """Have the debts stored that the written entries moved."""
        debts = [{"id": each, "debt_paisa": self.by_id[each].debt_paisa} for each in sorted(self._moved)]
        behind.update(Retailer, ["id"], debts)


_RETAILERS = Retailer.__table__.c
_ID: ColumnElement[int] = _RETAILERS.id
_CODE: ColumnElement[str] = _RETAILERS.code


def _locked(tx: Session, wanted: ColumnElement[bool]) -> Iterable[Account]:
    query = (
        select(_ID, _CODE, _RETAILERS.terms_days, _RETAILERS.debt_paisa)
        .where(wanted)
        # In one order everywhere, so that two writers don't wait for each other.
        .order_by(_ID)
        # Rows that only refer to a retailer are not held up.
        .with_for_update(key_share=True)
    )
    return [Account(*row) for row in tx.execute(query)]
