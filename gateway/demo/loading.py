"""The demo into the database: once, all of it or nothing.

One transaction holds everything, so a load that is killed leaves an empty database, which takes the next one. Its
price: SQLite has one writer, so others wait while it lasts. Credit scores are asked for in the outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from gateway.demo.data import Demo, item_rows, order_row, payment_rows
from gateway.demo.history import Trade
from shared import outbox
from shared.database import Database
from shared.database.base import Base
from shared.database.models import NumberSequence, Order, Product, Retailer, Vendor
from shared.errors import DokoError, Refused
from shared.jobs.requests import new_job
from shared.master import (
    Outcome,
    Result,
    import_items,
    import_orders,
    import_payments,
    upsert_products,
    upsert_retailers,
    upsert_stock,
    upsert_vendors,
)
from shared.messages.credit import ScoreRetailer, Trigger
from shared.settings import Settings

PARENT = "demo"
"""What the jobs that the demo asks for descend from."""
CONSOLE = "console"
_ROWS = 1_000
_TRADES = 500
_LOCK = 0x0D0C0DE
"""Key of the advisory lock under which one of two loads waits for the other."""

_T = TypeVar("_T")
Writer = Callable[[Session, Sequence[Any], datetime], list[Outcome]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded: how many of each, and the number of the walk-through's draft."""

    retailers: int
    orders: int
    rows: int
    story_number: str


def refuse_real_provider(settings: Settings) -> None:
    """Raise Refused unless messages go to the console: demo shops are nobody, and nobody is to be written to."""
    if settings.whatsapp.provider != CONSOLE:
        raise Refused(
            f"demo data is refused while WHATSAPP_PROVIDER is {settings.whatsapp.provider}: "
            "real people would be written to; take the console, or another database"
        )


def is_empty(tx: Session) -> bool:
    """Whether the database has no retailer, vendor, product or order yet."""
    models: tuple[type[Base], ...] = (Retailer, Vendor, Product, Order)
    return all(tx.execute(select(1).select_from(model).limit(1)).first() is None for model in models)


def load(database: Database, demo: Demo, *, now: datetime) -> Loaded:
    """Load all of ``demo``; Refused if the database isn't empty."""
    with database.session() as tx:
        if not database.is_sqlite:
            tx.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if not is_empty(tx):
            raise Refused(
                "the database holds retailers, vendors, products or orders already: demo data goes into an empty one"
            )
        return _Load(tx, now).run(demo)


class _Load:
    """One load in its transaction."""

    def __init__(self, tx: Session, now: datetime) -> None:
        self._tx = tx
        self._now = now
        self._rows = 0

    def run(self, demo: Demo) -> Loaded:
        retailers = self._write(upsert_retailers, demo.retailers())
        self._write(upsert_vendors, demo.vendors())
        self._write(upsert_products, demo.products())
        self._write(upsert_stock, demo.stock())
        history = demo.history()
        orders = sum(self._trades(trades) for trades in _batches(history, _TRADES))
        numbers = [{"name": name, "value": last} for name, last in sorted(history.last_numbers.items())]
        self._tx.execute(insert(NumberSequence), numbers)
        for shop in demo.retailers():
            job = new_job(ScoreRetailer(shop.code, Trigger.MANUAL))
            outbox.add(self._tx, PARENT, f"credit-score-{shop.code}", job)
        return Loaded(retailers, orders, self._rows, history.story_number)

    def _trades(self, trades: Sequence[Trade]) -> int:
        self._write(import_orders, map(order_row, trades))
        self._write(import_items, (row for trade in trades for row in item_rows(trade)))
        self._write(import_payments, (row for trade in trades for row in payment_rows(trade)))
        self._say_why_cancelled(trades)
        # What was stored is not looked at again: a long load must not keep it all.
        self._tx.expunge_all()
        return len(trades)

    def _say_why_cancelled(self, trades: Sequence[Trade]) -> None:
        """The import's files have no column for a cancellation's reason."""
        reasons = [{"of": each.number, "why": each.life.reason} for each in trades if each.life.reason]
        if reasons:
            statement = update(Order.__table__).where(Order.number == bindparam("of"))  # type: ignore[arg-type]
            self._tx.connection().execute(statement.values(cancel_reason=bindparam("why")), reasons)

    def _write(self, writer: Writer, rows: Iterable[Any]) -> int:
        count = 0
        for batch in _batches(rows, _ROWS):
            for row, outcome in zip(batch, writer(self._tx, batch, self._now), strict=True):
                if outcome.result is not Result.CREATED:
                    raise DokoError(f"demo row {row} is {outcome.result}: {outcome.field} {outcome.words}")
            count += len(batch)
        self._rows += count
        return count


def _batches(rows: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
