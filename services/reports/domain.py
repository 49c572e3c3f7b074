"""The rules of the reports: aging, discipline, risk, reliability; pure.

Money is integer paisa, shares and percentages are exact fractions until a row shows them, days are business
days in Kathmandu. A rating is shown in hundredths and graded as shown, so that paper and grade never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

from shared.clock import BUSINESS_ZONE

HIGHEST_SCORE = 900
HIGHEST_RATING = 5

SCORE_WEIGHT = Fraction(4, 10)
RISK_WEIGHT = Fraction(3, 10)
ON_TIME_WEIGHT = Fraction(3, 10)

GRADES = ((450, "A+"), (400, "A"), (350, "B+"), (300, "B"), (250, "C+"), (200, "C"), (150, "D"))
"""From which rating (hundredths) on a grade is given; below the last it is F."""
LOWEST_GRADE = "F"

BANDS = ((750, "Excellent"), (650, "Good"), (550, "Fair"), (450, "Poor"))
"""From which score on a band is given; below the last it is Very Poor."""
LOWEST_BAND = "Very Poor"

LATENESS_STEP_DAYS = 30
NO_LIMIT_RISK = 50


class Age(IntEnum):
    """How long an open amount is past due: the buckets of the liability report."""

    NOT_YET_DUE = 0
    DAYS_1_TO_30 = 1
    DAYS_31_TO_60 = 2
    DAYS_61_TO_90 = 3
    OVER_90_DAYS = 4


@dataclass(frozen=True, slots=True)
class Discipline:
    """How due orders were paid: numbers of orders, and their days late added up."""

    on_time: int = 0
    late: int = 0
    unpaid: int = 0
    days_late: int = 0

    @property
    def due(self) -> int:
        """Orders that were due: all three kinds."""
        return self.on_time + self.late + self.unpaid

    @property
    def on_time_percent(self) -> Fraction | None:
        """On-time orders in per cent of the due ones; None without any."""
        return Fraction(100 * self.on_time, self.due) if self.due else None

    @property
    def average_days_late(self) -> Fraction | None:
        """Mean days late of all due orders, punctual ones counting 0; None without any."""
        return Fraction(self.days_late, self.due) if self.due else None

    def __add__(self, other: Discipline) -> Discipline:
        return Discipline(
            self.on_time + other.on_time,
            self.late + other.late,
            self.unpaid + other.unpaid,
            self.days_late + other.days_late,
        )


def age_of(due_on: date | None, as_of: date) -> Age:
    """The bucket of an open order: undelivered (no due date) or due today is not yet due."""
    days = 0 if due_on is None else (as_of - due_on).days
    if days <= 0:
        return Age.NOT_YET_DUE
    if days <= 30:  # noqa: PLR2004 - the bucket's name says it
        return Age.DAYS_1_TO_30
    if days <= 60:  # noqa: PLR2004 - the same
        return Age.DAYS_31_TO_60
    return Age.DAYS_61_TO_90 if days <= 90 else Age.OVER_90_DAYS  # noqa: PLR2004 - the same


def as_of_day(end_date: date | None, today: date) -> date:
    """The day of a liability report: today, or an earlier one. Nobody knows what will be paid tomorrow."""
    return today if end_date is None else min(end_date, today)


def utilisation_percent(debt_paisa: int, limit_paisa: int) -> Fraction | None:
    """Debt in per cent of the limit, a credit counting as 0; None without a limit."""
    return Fraction(100 * max(0, debt_paisa), limit_paisa) if limit_paisa > 0 else None


def available_paisa(debt_paisa: int, limit_paisa: int) -> int:
    """What may still be bought on credit, never below 0; a retailer's own credit adds to it."""
    return max(0, limit_paisa - debt_paisa)


def risk(
    discipline: Discipline, *, debt_paisa: int, overdue_paisa: int, limit_paisa: int, orders: int, cancelled: int
) -> Fraction:
    """Risk 0 to 100: .40 lateness, .30 debt and .10 overdue against the limit, .20 cancelled share.

    ``orders`` counts those ever confirmed, ``cancelled`` those of them that were cancelled.
    """
    cancelled_share = Fraction(cancelled, orders) if orders else Fraction(0)
    return (
        Fraction(40, 100) * _lateness(discipline)
        + Fraction(30, 100) * _against_limit(debt_paisa, limit_paisa)
        + Fraction(20, 100) * 100 * cancelled_share
        + Fraction(10, 100) * _against_limit(overdue_paisa, limit_paisa)
    )


def _lateness(discipline: Discipline) -> Fraction:
    """0 to 100: half for 30 days late on average, half for the share of orders not paid on time."""
    if not discipline.due:
        return Fraction(0)
    days = Fraction(discipline.days_late, discipline.due)
    share = Fraction(discipline.late + discipline.unpaid, discipline.due)
    return min(Fraction(100), days / LATENESS_STEP_DAYS * 50 + share * 50)


def _against_limit(amount_paisa: int, limit_paisa: int) -> Fraction:
    if limit_paisa <= 0:
        return Fraction(NO_LIMIT_RISK)
    return min(Fraction(100), Fraction(100 * max(0, amount_paisa), limit_paisa))


def rating_hundredths(score: int | None, risk_points: Fraction, on_time_percent: Fraction | None) -> int | None:
    """The reliability rating, 0 to 500, rounded half up; None for a retailer that has no score yet.

    Without due orders, score and risk weigh 4/7 and 3/7.
    """
    if score is None:
        return None
    of_score = SCORE_WEIGHT * Fraction(score, HIGHEST_SCORE)
    of_risk = RISK_WEIGHT * (100 - risk_points) / 100
    if on_time_percent is None:
        share = (of_score + of_risk) / (SCORE_WEIGHT + RISK_WEIGHT)
    else:
        share = of_score + of_risk + ON_TIME_WEIGHT * on_time_percent / 100
    return int(rounded(share * HIGHEST_RATING * 100, 0))


def grade_of(rating: int) -> str:
    """The letter of a rating in hundredths."""
    return next((letter for lowest, letter in GRADES if rating >= lowest), LOWEST_GRADE)


def band_of(score: int) -> str:
    """The word for a credit score."""
    return next((word for lowest, word in BANDS if score >= lowest), LOWEST_BAND)


def rounded(value: Fraction, places: int) -> Decimal:
    """``value`` with that many decimals, half up."""
    scale = 10**places
    return Decimal((2 * value.numerator * scale + value.denominator) // (2 * value.denominator)).scaleb(-places)


def day_begins(day: date) -> datetime:
    """The instant at which a business day begins, in UTC."""
    return datetime.combine(day, time.min, BUSINESS_ZONE).astimezone(UTC)


def day_ends(day: date) -> datetime:
    """The instant, in UTC, at which a business day is over: the next one's beginning."""
    return day_begins(day + timedelta(days=1))
