"""The demo as the seven CSV files of the import."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from gateway.demo.data import Demo, item_rows, order_row, payment_rows
from shared.errors import Refused
from shared.master import Kind, Row, columns_of


class Writes(Protocol):
    """What writes rows of one file."""

    def __call__(self, rows: Iterable[Row], /) -> None:
        """Write them."""


def write(demo: Demo, folder: Path) -> str:
    """Write the files into ``folder``, made if need be; the number of the walk-through's draft.

    Raises Refused, with nothing written, if one of them is there already.
    """
    taken = [path for path in (_file(folder, kind) for kind in Kind) if path.exists()]
    if taken:
        raise Refused(f"{taken[0]} is there already: choose an empty folder, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    master: dict[Kind, Iterator[Any]] = {
        Kind.RETAILERS: demo.retailers(),
        Kind.VENDORS: demo.vendors(),
        Kind.PRODUCTS: demo.products(),
        Kind.STOCK: demo.stock(),
    }
    for kind, rows in master.items():
        with _writer(folder, kind) as put:
            put(rows)
    history = demo.history()
    with ExitStack() as stack:
        orders, items, payments = (
            stack.enter_context(_writer(folder, kind)) for kind in (Kind.ORDERS, Kind.ITEMS, Kind.PAYMENTS)
        )
        for trade in history:
            orders([order_row(trade)])
            items(item_rows(trade))
            payments(payment_rows(trade))
    return history.story_number


@contextmanager
def _writer(folder: Path, kind: Kind) -> Iterator[Writes]:
    names = [column.name for column in columns_of(kind)]
    with _file(folder, kind).open("x", encoding="utf-8", newline="") as file:
        rows_of = csv.writer(file)
        rows_of.writerow(names)

        def put(rows: Iterable[Row]) -> None:
            rows_of.writerows([_cell(getattr(row, name)) for name in names] for row in rows)

        yield put


def _file(folder: Path, kind: Kind) -> Path:
    return folder / f"{kind}.csv"


def _cell(value: Any) -> str:
    """A value as a CSV cell of the import."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)
