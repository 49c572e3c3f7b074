"""CREDIT_SUMMARY."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from services.reports import domain
from services.reports.builders.cells import punctuality_cells, shop_cells, shown, total_cells
from services.reports.builders.protocol import Builder
from services.reports.charts import Bar, Chart, Tone
from services.reports.columns import Kind, Row
from services.reports.domain import Discipline
from services.reports.facts import CreditFacts
from shared.money import half_up, to_rupees

SCORE_STEP = 50
_LOWEST = 300
_LAST_STEP = 850

_BAND_TONES = {
    "Very Poor": Tone.WORST,
    "Poor": Tone.BAD,
    "Fair": Tone.WARNING,
    "Good": Tone.FAIR,
    "Excellent": Tone.GOOD,
}


class CreditSummary(Builder[CreditFacts]):
    """Limit, debt, score, payments and reliability of each retailer."""

    def __init__(self) -> None:
        self._limit = self._debt = self._available = self._payments = self._paid = 0
        self._scores: Counter[int] = Counter()
        self._discipline = Discipline()
        self._shops = 0

    def row(self, facts: CreditFacts) -> Row:
        """See ``Builder``."""
        available = domain.available_paisa(facts.debt_paisa, facts.limit_paisa)
        self._shops += 1
        self._limit += facts.limit_paisa
        self._debt += facts.debt_paisa
        self._available += available
        self._payments += facts.payments
        self._paid += facts.paid_paisa
        self._discipline += facts.discipline
        if facts.score is not None:
            self._scores[facts.score] += 1
        rating = _rating(facts)
        return (
            *shop_cells(facts.shop),
            to_rupees(facts.limit_paisa),
            to_rupees(available),
            to_rupees(facts.debt_paisa),
            shown(domain.utilisation_percent(facts.debt_paisa, facts.limit_paisa), Kind.PERCENT),
            facts.score,
            _band(facts.score),
            facts.payments,
            to_rupees(facts.paid_paisa),
            *punctuality_cells(facts.discipline),
            None if rating is None else Decimal(rating).scaleb(-2),
            None if rating is None else domain.grade_of(rating),
        )

    def totals(self) -> Row:
        """Sums; shares over all retailers together; the mean score of those that have one."""
        mean = self._mean_score()
        return (
            *total_cells(self._shops),
            to_rupees(self._limit),
            to_rupees(self._available),
            to_rupees(self._debt),
            shown(domain.utilisation_percent(self._debt, self._limit), Kind.PERCENT),
            mean,
            _band(mean),
            self._payments,
            to_rupees(self._paid),
            *punctuality_cells(self._discipline),
            None,
            None,
        )

    def _mean_score(self) -> int | None:
        points = sum(score * number for score, number in self._scores.items())
        return half_up(points, self._scores.total()) if self._scores else None

    def charts(self) -> tuple[Chart, ...]:
        """How many retailers have which score, and which band."""
        if not self._scores:
            return ()
        steps: Counter[int] = Counter()
        bands: Counter[str] = Counter()
        for score, number in self._scores.items():
            steps[min(score // SCORE_STEP * SCORE_STEP, _LAST_STEP)] += number
            bands[domain.band_of(score)] += number
        by_score = tuple(
            Bar(_step_label(low), steps[low], _BAND_TONES[domain.band_of(low)])
            for low in range(_LOWEST, _LAST_STEP + 1, SCORE_STEP)
        )
        by_band = tuple(Bar(name, bands[name], tone) for name, tone in _BAND_TONES.items())
        return (
            Chart("Credit score distribution", "Retailers", Kind.COUNT, by_score),
            Chart("Score bands", "Retailers", Kind.COUNT, by_band),
        )


def _step_label(low: int) -> str:
    """The last step holds the highest score, 900, too."""
    return f"{low}-{domain.HIGHEST_SCORE if low == _LAST_STEP else low + SCORE_STEP - 1}"


def _band(score: int | None) -> str | None:
    return None if score is None else domain.band_of(score)


def _rating(facts: CreditFacts) -> int | None:
    risk = domain.risk(
        facts.discipline,
        debt_paisa=facts.debt_paisa,
        overdue_paisa=facts.overdue_paisa,
        limit_paisa=facts.limit_paisa,
        orders=facts.orders,
        cancelled=facts.cancelled,
    )
    return domain.rating_hundredths(facts.score, risk, facts.discipline.on_time_percent)
