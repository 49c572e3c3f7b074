"""The charts of the reports as numbers; how they look is each file's own affair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.reports.columns import Kind

SHOWN_MONTHS = 24
_MONTHS_OF_A_YEAR = 12


class Tone(StrEnum):
    """What a bar tells, from which its colour follows."""

    PLAIN = "plain"
    GOOD = "good"
    FAIR = "fair"
    WARNING = "warning"
    BAD = "bad"
    WORST = "worst"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; money in rupees."""

    label: str
    value: int | Decimal
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars that stand side by side; ``kind`` is COUNT or MONEY."""

    title: str
    unit: str
    kind: Kind
    bars: tuple[Bar, ...]


def months_between(first: str, last: str) -> list[str]:
    """All months from ``first`` to ``last`` (``2026-11``), both included."""
    year, month = (int(part) for part in first.split("-"))
    months = []
    while (name := f"{year:04d}-{month:02d}") <= last:
        months.append(name)
        year, month = (year + 1, 1) if month == _MONTHS_OF_A_YEAR else (year, month + 1)
    return months


def latest_months(values: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    """The value of each of the last two years' months, months without any included."""
    if not values:
        return []
    months = months_between(min(values), max(values))[-SHOWN_MONTHS:]
    return [(month, values.get(month, 0)) for month in months]
