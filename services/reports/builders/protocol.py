"""What turns facts into rows, totals and charts.

A builder sees each retailer once and keeps sums only, so that a report of any length needs the same memory.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from services.reports.charts import Chart
from services.reports.columns import Row

F_contra = TypeVar("F_contra", contravariant=True)


class Builder(Protocol[F_contra]):
    """Turns the facts of one report into what its file shows."""

    def row(self, facts: F_contra, /) -> Row | None:
        """The retailer's row, added to the totals; None if the filters leave it out."""

    def totals(self) -> Row:
        """The row of totals over the rows so far."""

    def charts(self) -> tuple[Chart, ...]:
        """The charts of the rows so far; none where there is nothing to show."""
