"""PURCHASE_VOLUME."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from services.reports.builders.cells import shop_cells, total_cells
from services.reports.builders.protocol import Builder
from services.reports.charts import Bar, Chart, latest_months
from services.reports.columns import Kind, Row
from services.reports.facts import TOP_PRODUCTS_OF_A_SHOP, Bought, SalesFacts, VolumeFacts
from shared.money import half_up, to_rupees

TOP_PRODUCTS = 10
STATES = ("CONFIRMED", "VENDOR_ASSIGNED", "ACCEPTED", "DISPATCHED", "DELIVERED", "COMPLETED")


class PurchaseVolume(Builder[VolumeFacts | SalesFacts]):
    """What each retailer ordered; what all ordered together comes apart from it, as the charts' months and products."""

    def __init__(self) -> None:
        self._shops = self._value = 0
        self._states: Counter[str] = Counter()
        self._months: Counter[str] = Counter()
        self._products: Counter[str] = Counter()

    def row(self, facts: VolumeFacts | SalesFacts) -> Row | None:
        """See ``Builder``."""
        if isinstance(facts, SalesFacts):
            self._months.update(facts.by_month)
            self._products.update(facts.by_product)
            return None
        self._shops += 1
        self._value += facts.value_paisa
        self._states.update(facts.by_state)
        shown = ", ".join(map(_with_quantity, facts.products))
        return (*shop_cells(facts.shop), *_volume(facts.by_state, facts.value_paisa), shown or None)

    def totals(self) -> Row:
        """Sums, and the average over all orders."""
        best = ", ".join(name for name, _ in self._best()[:TOP_PRODUCTS_OF_A_SHOP])
        return (*total_cells(self._shops), *_volume(self._states, self._value), best or None)

    def charts(self) -> tuple[Chart, ...]:
        """The value of each month (the last two years), and of the best products."""
        if not self._months:
            return ()
        months = tuple(Bar(month, to_rupees(value)) for month, value in latest_months(self._months))
        charts = [Chart("Order value by month", "NPR", Kind.MONEY, months)]
        if self._products:
            best = tuple(Bar(name, to_rupees(value)) for name, value in self._best())
            charts.append(Chart("Top products by value", "NPR", Kind.MONEY, best))
        return tuple(charts)

    def _best(self) -> list[tuple[str, int]]:
        return sorted(self._products.items(), key=lambda each: (-each[1], each[0]))[:TOP_PRODUCTS]


def _volume(by_state: Mapping[str, int], value_paisa: int) -> Row:
    orders = sum(by_state.values())
    average = to_rupees(half_up(value_paisa, orders)) if orders else None
    return (orders, to_rupees(value_paisa), average, *(by_state.get(state, 0) for state in STATES))


def _with_quantity(bought: Bought) -> str:
    return f"{bought.product} ({bought.quantity:,})"
