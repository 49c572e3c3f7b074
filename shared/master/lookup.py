"""Keys of the database for the platform's codes."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database.base import Base
from shared.database.bulk import among


def ids_of(tx: Session, model: type[Base], codes: Iterable[str | None]) -> dict[str, int]:
    """The keys of the vendors or products with these codes; unknown ones are left out."""
    columns = model.__table__.c
    wanted = {each for each in codes if each is not None}
    rows = tx.execute(select(columns.code, columns.id).where(among(tx, columns.code, wanted)))
    return {row.code: row.id for row in rows}
