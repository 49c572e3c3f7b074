"""Business days inside the database, which spare a row for each order; each database has its own words for them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, String, cast, func, literal, type_coerce
from sqlalchemy.orm import Session

from shared.clock import BUSINESS_ZONE
from shared.database.days import SQLITE_SHIFT, business_day_of


def month_of(tx: Session, instant: Any) -> ColumnElement[str]:
    """The month in Kathmandu: ``2026-11``."""
    if _is_postgres(tx):
        return func.to_char(func.timezone(BUSINESS_ZONE.key, instant), "YYYY-MM", type_=String)
    return func.strftime("%Y-%m", instant, SQLITE_SHIFT, type_=String)


def days_past(tx: Session, instant: Any, day: Any) -> ColumnElement[int]:
    """How many days after ``day`` the instant's business day is."""
    if _is_postgres(tx):
        return type_coerce(business_day_of(instant) - day, Integer)
    return cast(func.julianday(business_day_of(instant)) - func.julianday(day), Integer)


def days_since(tx: Session, day: Any, today: date) -> ColumnElement[int]:
    """How many days ``today`` is after ``day``."""
    if _is_postgres(tx):
        return type_coerce(literal(today, Date) - day, Integer)
    return cast(func.julianday(literal(today, Date)) - func.julianday(day), Integer)


def _is_postgres(tx: Session) -> bool:
    return tx.get_bind().dialect.name == "postgresql"
