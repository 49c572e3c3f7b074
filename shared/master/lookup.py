"""Keys of the database for the platform's codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session


def ids_of(tx: Session, code: InstrumentedAttribute[str], codes: Iterable[str | None]) -> dict[str, int]:
    """The keys of the rows with these codes (``Vendor.code``, ``Product.code``); unknown ones are left out."""
    model: Any = code.class_
    wanted = sorted({each for each in codes if each is not None})
    return {row.code: row.id for row in tx.execute(select(model.id, code.label("code")).where(code.in_(wanted)))}
