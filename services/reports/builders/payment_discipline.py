"""PAYMENT_DISCIPLINE."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from services.reports.builders.cells import punctuality_cells, shop_cells, total_cells
from services.reports.builders.protocol import Builder
from services.reports.charts import Bar, Chart, Tone
from services.reports.columns import Kind, Row
from services.reports.domain import Discipline
from services.reports.facts import DisciplineFacts

_LATENESS_BARS = (
    ("On time", 0, Tone.GOOD),
    ("Up to 7 days", 7, Tone.FAIR),
    ("Up to 15 days", 15, Tone.WARNING),
    ("Up to 30 days", 30, Tone.BAD),
    ("Over 30 days", None, Tone.WORST),
)


class PaymentDiscipline(Builder[DisciplineFacts]):
    """How punctually each retailer paid what was due."""

    def __init__(self) -> None:
        self._shops = 0
        self._sum = Discipline()
        self._lateness: Counter[str] = Counter()

    def row(self, facts: DisciplineFacts) -> Row:
        """See ``Builder``."""
        self._shops += 1
        self._sum += facts.discipline
        days = facts.discipline.average_days_late
        if days is not None:
            self._lateness[_lateness_label(days)] += 1
        return (*shop_cells(facts.shop), *_discipline(facts.discipline))

    def totals(self) -> Row:
        """Sums, and the shares over all orders."""
        return (*total_cells(self._shops), *_discipline(self._sum))

    def charts(self) -> tuple[Chart, ...]:
        """Orders by how they were paid, and retailers by their average lateness."""
        if not self._sum.due:
            return ()
        orders = (
            Bar("Paid on time", self._sum.on_time, Tone.GOOD),
            Bar("Paid late", self._sum.late, Tone.WARNING),
            Bar("Unpaid overdue", self._sum.unpaid, Tone.WORST),
        )
        shops = tuple(Bar(label, self._lateness[label], tone) for label, _, tone in _LATENESS_BARS)
        return (
            Chart("Due orders", "Orders", Kind.COUNT, orders),
            Chart("Average days late", "Retailers", Kind.COUNT, shops),
        )


def _discipline(discipline: Discipline) -> Row:
    counts = (discipline.due, discipline.on_time, discipline.late, discipline.unpaid)
    return (*counts, *punctuality_cells(discipline))


def _lateness_label(days: Fraction) -> str:
    return next(label for label, most, _ in _LATENESS_BARS if most is None or days <= most)
