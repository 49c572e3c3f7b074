"""Cells that several reports share."""

from __future__ import annotations

from fractions import Fraction

from services.reports import domain
from services.reports.columns import DECIMALS, Cell, Kind, Row
from services.reports.domain import Discipline
from services.reports.facts import Shop

TOTAL = "Total"


def shop_cells(shop: Shop) -> Row:
    """The first three columns of a retailer."""
    return (shop.code, shop.name, shop.phone)


def total_cells(shops: int) -> Row:
    """The first three columns of the totals: their name and how many retailers they cover."""
    return (TOTAL, f"{shops:,} retailer{'' if shops == 1 else 's'}", None)


def shown(value: Fraction | None, kind: Kind) -> Cell:
    """A measure with the decimals of its kind, half up."""
    return None if value is None else domain.rounded(value, DECIMALS[kind])


def punctuality_cells(discipline: Discipline) -> Row:
    """On-time % and average days late."""
    return (shown(discipline.on_time_percent, Kind.PERCENT), shown(discipline.average_days_late, Kind.DAYS))
