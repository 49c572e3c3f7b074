"""A demo of the usual size, read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from gateway.demo.data import Demo, item_rows, order_row, payment_rows
from gateway.demo.history import Trade
from shared.master import ItemRow, Kind, OrderRow, PaymentRow, Row

TODAY = date(2026, 11, 24)


@dataclass
class Told:
    """All rows of a demo, and the trades that they came from."""

    demo: Demo
    trades: list[Trade] = field(init=False)
    story_number: str = field(init=False)
    last_numbers: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        history = self.demo.history()
        self.trades = list(history)
        self.story_number = history.story_number
        self.last_numbers = dict(history.last_numbers)

    @property
    def orders(self) -> list[OrderRow]:
        return [order_row(trade) for trade in self.trades]

    @property
    def items(self) -> list[ItemRow]:
        return [row for trade in self.trades for row in item_rows(trade)]

    @property
    def payments(self) -> list[PaymentRow]:
        return [row for trade in self.trades for row in payment_rows(trade)]

    def rows(self) -> dict[Kind, list[Row]]:
        return {
            Kind.RETAILERS: list(self.demo.retailers()),
            Kind.VENDORS: list(self.demo.vendors()),
            Kind.PRODUCTS: list(self.demo.products()),
            Kind.STOCK: list(self.demo.stock()),
            Kind.ORDERS: list(self.orders),
            Kind.ITEMS: list(self.items),
            Kind.PAYMENTS: list(self.payments),
        }


def tell(*, retailers: int = 30, months: int = 6, seed: int = 1, as_of: date = TODAY) -> Told:
    """The demo of that size and seed."""
    return Told(Demo(retailers=retailers, months=months, seed=seed, as_of=as_of))
