"""OUTSTANDING_LIABILITY."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import date

from services.reports.builders.cells import shop_cells, total_cells
from services.reports.builders.protocol import Builder
from services.reports.charts import Bar, Chart, Tone
from services.reports.columns import Kind, Row
from services.reports.domain import Age
from services.reports.facts import LiabilityFacts
from shared.messages.reports import LiabilityFilters
from shared.money import to_paisa, to_rupees

LARGEST = 10

_AGE_BARS = (
    ("Not yet due", Tone.GOOD),
    ("1-30 days", Tone.FAIR),
    ("31-60 days", Tone.WARNING),
    ("61-90 days", Tone.BAD),
    ("Over 90 days", Tone.WORST),
)


class OutstandingLiability(Builder[LiabilityFacts]):
    """What each retailer owes, by age."""

    def __init__(self, filters: LiabilityFilters) -> None:
        self._only_overdue = bool(filters.overdue_only)
        self._at_least = 0 if filters.min_amount is None else to_paisa(filters.min_amount)
        self._shops = 0
        self._open = [0] * len(Age)
        self._oldest: date | None = None
        self._largest: list[tuple[int, str]] = []

    def row(self, facts: LiabilityFacts) -> Row | None:
        """The retailer's row; None if it owes too little or nothing overdue, where the filters ask for that."""
        total, overdue = sum(facts.open_paisa), sum(facts.open_paisa[Age.DAYS_1_TO_30 :])
        if total < self._at_least or (self._only_overdue and not overdue):
            return None
        self._shops += 1
        self._open = [a + b for a, b in zip(self._open, facts.open_paisa, strict=True)]
        self._oldest = min(filter(None, (self._oldest, facts.oldest_due_on)), default=None)
        if total:
            self._remember((total, facts.shop.name))
        return (*shop_cells(facts.shop), *_open(facts.open_paisa), facts.oldest_due_on)

    def totals(self) -> Row:
        """Sums, and the oldest due date of all."""
        return (*total_cells(self._shops), *_open(self._open), self._oldest)

    def charts(self) -> tuple[Chart, ...]:
        """The amount in each age, and who owes most."""
        if not any(self._open):
            return ()
        ages = tuple(
            Bar(label, to_rupees(amount), tone) for (label, tone), amount in zip(_AGE_BARS, self._open, strict=True)
        )
        largest = tuple(Bar(name, to_rupees(amount)) for amount, name in sorted(self._largest, reverse=True))
        return (
            Chart("Outstanding by age", "NPR", Kind.MONEY, ages),
            Chart("Largest outstanding amounts", "NPR", Kind.MONEY, largest),
        )

    def _remember(self, entry: tuple[int, str]) -> None:
        heapq.heappush(self._largest, entry)
        if len(self._largest) > LARGEST:
            heapq.heappop(self._largest)


def _open(open_paisa: Sequence[int]) -> Row:
    return (to_rupees(sum(open_paisa)), *map(to_rupees, open_paisa))
