"""A retailer's credit score, 300 to 900, from its history; pure and exact.

``300 + 600 · Σ weight·component``, rounded half up. The components' rules stand in ``components``,
the words for them in ``explanation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from services.credit import components
from services.credit.components import Component, DeliveredOrder
from shared.money import half_up

LEAST = 300
MOST = 900


class Part(StrEnum):
    """The components of a score; the value is the name in what is stored and shown."""

    PAYMENT_HISTORY = "paymentHistory"
    CONSISTENCY = "consistency"
    UTILISATION = "utilisation"
    ACCOUNT_AGE = "accountAge"
    DISPUTES = "disputes"


WEIGHTS = {
    Part.PAYMENT_HISTORY: Fraction("0.4"),
    Part.CONSISTENCY: Fraction("0.2"),
    Part.UTILISATION: Fraction("0.2"),
    Part.ACCOUNT_AGE: Fraction("0.1"),
    Part.DISPUTES: Fraction("0.1"),
}
"""What each component counts; together 1."""

MOST_POINTS = {part: int((MOST - LEAST) * weight) for part, weight in WEIGHTS.items()}
"""What a perfect component adds: 240, 120, 120, 60 or 60."""


class Band(StrEnum):
    """What a score means in a word."""

    EXCELLENT = "Excellent"
    GOOD = "Good"
    FAIR = "Fair"
    POOR = "Poor"
    VERY_POOR = "Very Poor"

    @property
    def recommendation(self) -> str:
        """What to do about a retailer in this band."""
        return _RECOMMENDATIONS[self]


_LEAST_OF_BAND = (
    (750, Band.EXCELLENT),
    (650, Band.GOOD),
    (550, Band.FAIR),
    (450, Band.POOR),
)
_RECOMMENDATIONS = {
    Band.EXCELLENT: "A higher limit and longer terms can be offered.",
    Band.GOOD: "Keep limit and terms; a higher limit can be considered on request.",
    Band.FAIR: "Keep the limit, and look again before raising it.",
    Band.POOR: "Lower the limit or shorten the terms, and remind before the due dates.",
    Band.VERY_POOR: "No new credit until what is overdue is paid; take payment in advance.",
}


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a retailer; days are business days, money is paisa."""

    opened_on: date
    limit_paisa: int
    debt_paisa: int
    delivered: tuple[DeliveredOrder, ...] = ()
    """Orders that are DELIVERED or COMPLETED, at least those of the last 365 days."""
    ordered_on: tuple[date, ...] = ()
    """The days on which orders were made that reached ACCEPTED and weren't cancelled, at least of the last 365 days."""
    accepted: int = 0
    """How many orders were ever accepted, those cancelled later included."""
    cancelled_by_retailer: int = 0
    """How many of them the retailer cancelled after that."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score from 300 to 900, with the components that it is made of."""

    points: int
    parts: dict[Part, Component]

    @property
    def band(self) -> Band:
        """What the score means."""
        return band_of(self.points)


def score(history: History, today: date) -> Score:
    """The score of a retailer with this history on the business day ``today``."""
    parts = {
        Part.PAYMENT_HISTORY: components.payment_history(history.delivered, today),
        Part.CONSISTENCY: components.consistency(history.ordered_on, today),
        Part.UTILISATION: components.utilisation(history.debt_paisa, history.limit_paisa),
        Part.ACCOUNT_AGE: components.account_age(history.opened_on, today),
        Part.DISPUTES: components.disputes(history.accepted, history.cancelled_by_retailer),
    }
    return Score(total_of(parts), parts)


def total_of(parts: Mapping[Part, Component]) -> int:
    """300 and what the components add, rounded half up once, at the end."""
    exact = LEAST + sum(points_of(part, component) for part, component in parts.items())
    return half_up(exact.numerator, exact.denominator)


def points_of(part: Part, component: Component) -> Fraction:
    """What a component adds to the score, unrounded."""
    return MOST_POINTS[part] * component.value


def band_of(points: int) -> Band:
    """The band of a score."""
    return next((band for least, band in _LEAST_OF_BAND if points >= least), Band.VERY_POOR)
