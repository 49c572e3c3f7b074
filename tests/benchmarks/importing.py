"""How many rows a second ``doko import`` stores: ``python -m tests.benchmarks.importing [--rows 100000]``.

Each kind of file goes through the command as an operator runs it, on SQLite and on PostgreSQL, and then once more,
when nothing in it is new. ``all`` is the whole platform, its files one after the other. Exits with 1 when a figure,
of a kind or of all, misses the target.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.local.postgres import PostgresServer
from shared.database.migrate import migrate
from shared.master import Kind

TARGET = 5_000
"""Rows a second."""
VENDORS = 500
PRODUCTS = 1_000
ORDERS_OF_A_RETAILER = 5

_DONE = re.compile(r"([\d,]+) rows in [\d.]+ s \(([\d,]+)/s\)")
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> int:
    """Measure all kinds on both databases."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    rows = arguments.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        files = _write_files(Path(folder), rows)
        rates = _measure(f"sqlite:///{folder}/doko.db", files)
        server = PostgresServer(durable=True)
        server.start()
        try:
            rates += _measure(server.url, files)
        finally:
            server.stop()
    return 0 if min(rates) >= TARGET else 1


def _measure(url: str, files: dict[Kind, Path]) -> list[int]:
    migrate(url)
    rates = []
    rows: Counter[str] = Counter()
    seconds: dict[str, float] = defaultdict(float)
    for kind, path in files.items():
        for turn in ("new", "again"):
            count, rate = _import(url, kind, path)
            rows[turn] += count
            seconds[turn] += count / rate
            rates.append(_show(url, kind, turn, rate))
    return rates + [_show(url, "all", turn, round(rows[turn] / seconds[turn])) for turn in rows]


def _show(url: str, what: str, turn: str, rate: int) -> int:
    sys.stdout.write(f"{url.partition(':')[0]:<18} {what:<10} {turn:<6} {rate:>8,} rows/s\n")
    sys.stdout.flush()
    return rate


def _import(url: str, kind: Kind, path: Path) -> tuple[int, int]:
    """How many rows it stored, and how many a second."""
    command = [sys.executable, "-m", "gateway.cli", "import", kind.value, str(path)]
    environment = {**os.environ, "DATABASE_URL": url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    figures = _DONE.search(done.stdout)
    if done.returncode or figures is None:
        raise SystemExit(f"importing {kind} failed:\n{done.stdout}{done.stderr}")
    return int(figures[1].replace(",", "")), int(figures[2].replace(",", ""))


def _write_files(folder: Path, rows: int) -> dict[Kind, Path]:
    retailers = max(1, rows // ORDERS_OF_A_RETAILER)
    tables: dict[Kind, Iterator[Sequence[object]]] = {
        Kind.RETAILERS: _retailers(rows),
        Kind.VENDORS: _vendors(max(rows // 10, VENDORS)),
        Kind.PRODUCTS: _products(max(rows // 10, PRODUCTS)),
        Kind.STOCK: _stock(rows),
        Kind.ORDERS: _orders(rows, retailers),
        Kind.ITEMS: _items(rows),
        Kind.PAYMENTS: _payments(rows),
    }
    files = {}
    for kind, table in tables.items():
        files[kind] = folder / f"{kind}.csv"
        with files[kind].open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(table)
    return files


def _retailers(rows: int) -> Iterator[Sequence[object]]:
    yield (
        *("code", "shop_name", "owner_name", "phone", "email", "city", "state", "language", "credit_limit"),
        *("terms_days", "created_at", "active"),
    )
    for i in range(rows):
        contact = (f"+9779{800000000 + i}", f"shop{i}@example.com")
        where = ("Kathmandu", "Bagmati", "ne")
        yield (f"RET{i:06}", f"Kirana {i}", f"Owner {i}", *contact, *where, "250000.00", 30, "2024-03-01", "true")


def _vendors(rows: int) -> Iterator[Sequence[object]]:
    yield ("code", "business_name", "phone", "city", "state", "language", "rating", "approved", "active")
    for i in range(rows):
        yield (f"VEN{i:06}", f"Traders {i}", f"9{810000000 + i}", "Lalitpur", "Bagmati", "en", "4.25", "true", "true")


def _products(rows: int) -> Iterator[Sequence[object]]:
    yield ("code", "name", "unit", "category")
    for i in range(rows):
        yield (f"PRODUCT-{i:06}", f"Rice {i} kg", "bag", "Grains")


def _stock(rows: int) -> Iterator[Sequence[object]]:
    yield ("vendor_code", "product_code", "price", "stock", "available")
    for i in range(rows):
        yield (f"VEN{i // PRODUCTS:06}", f"PRODUCT-{i % PRODUCTS:06}", "1250.50", 400, "true")


def _orders(rows: int, retailers: int) -> Iterator[Sequence[object]]:
    yield (
        *("number", "retailer_code", "vendor_code", "status", "total", "created_at", "confirmed_at", "accepted_at"),
        *("dispatched_at", "delivered_at"),
    )
    for i in range(rows):
        times = [(_BEGAN + timedelta(minutes=i, hours=hours)).isoformat() for hours in (0, 1, 3, 20, 30)]
        # The orders of one retailer lie apart, as in a file sorted by time.
        yield (f"OLD{i:08}", f"RET{i % retailers:06}", f"VEN{i % VENDORS:06}", "DELIVERED", "1130.00", *times)


def _items(rows: int) -> Iterator[Sequence[object]]:
    yield ("order_number", "product_code", "quantity", "unit_price")
    for i in range(rows):
        yield (f"OLD{i // 2:08}", f"PRODUCT-{i % PRODUCTS:06}", 2, "250.00")


def _payments(rows: int) -> Iterator[Sequence[object]]:
    yield ("number", "order_number", "amount", "method", "paid_at")
    for i in range(rows):
        paid_at = (_BEGAN + timedelta(minutes=i, days=20)).isoformat()
        yield (f"PAY{i:08}", f"OLD{i:08}", "500.00", "BANK_TRANSFER", paid_at)


if __name__ == "__main__":
    raise SystemExit(main())
