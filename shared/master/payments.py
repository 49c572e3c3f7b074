"""The writer of imported payments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from shared.master.outcome import Given, Outcome
from shared.master.rows import PaymentRow


def import_payments(
    tx: Session, rows: Sequence[PaymentRow], now: datetime, given: Given | None = None
) -> list[Outcome]:
    """Store payments with their ledger entries and what they settle; a known number must come unchanged."""
    raise NotImplementedError
