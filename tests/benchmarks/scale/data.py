"""Makes a platform of two years in PostgreSQL: 20,000 retailers, 2,000 vendors, 2 million orders, in some minutes.

It is made once and kept under the data folder; what changes it works on a copy. Keys and checks are the schema's own:
references and indexes are taken away while the rows come in, and built again from all of them.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import psycopg
from psycopg import sql

from deploy.local.postgres import PostgresServer
from shared.database import Database, vendor_records
from shared.database.migrate import migrate

ANCHOR = datetime(2026, 11, 24, 6, 15, tzinfo=UTC)
"""Noon of the last business day, in Kathmandu."""

EDITION = 2
"""Raised with every change of ``data.sql``, so that older data is made anew."""

_NAME = "scale"
_SCRIPT = Path(__file__).with_name("data.sql")
_VARIABLE = re.compile(r"(?<!:):'?([a-z]+)'?(?!:)")
_BIG = ("orders", "order_items", "payments", "credit_ledger", "vendor_offers")
_SERIAL = (*_BIG, "retailers", "vendors", "products", "credit_scores")
_SESSION = {
    "synchronous_commit": "off",
    "work_mem": "256MB",
    "maintenance_work_mem": "512MB",
    "max_parallel_maintenance_workers": "2",
}


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows; ``common`` products are sold by every vendor, ``waiting`` orders each are new and confirmed."""

    retailers: int = 20_000
    vendors: int = 2_000
    products: int = 500
    orders: int = 2_000_000
    common: int = 12
    waiting: int = 3_000


SMALL = Size(retailers=400, vendors=60, products=100, orders=20_000, waiting=200)
"""Enough to try the measuring itself."""


class Platform:
    """A running server with the data of one size."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.size = size
        self._folder = folder / f"orders-{size.orders}"
        self._server = PostgresServer(self._folder / "postgres")

    @contextmanager
    def running(self) -> Iterator[Platform]:
        """The server, with the data made if it isn't there yet."""
        self._server.start()
        try:
            if not self._is_made():
                self._make()
            migrate(self.url)
            yield self
        finally:
            self._server.stop()

    @property
    def url(self) -> str:
        """The data as it was made: to be read only."""
        return self._server.url_of(_NAME)

    @contextmanager
    def copy(self, name: str) -> Iterator[str]:
        """The URL of a copy that may be changed, gone at the end."""
        with self._administer() as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
            made = sql.SQL("create database {} template {} strategy file_copy")
            connection.execute(made.format(sql.Identifier(name), sql.Identifier(_NAME)))
        try:
            yield self._server.url_of(name)
        finally:
            with self._administer() as connection:
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    @contextmanager
    def _administer(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(plain(self._server.url), autocommit=True) as connection:
            yield connection

    @property
    def _wanted(self) -> bytes:
        return orjson.dumps({**asdict(self.size), "edition": EDITION})

    @property
    def _stamp(self) -> Path:
        return self._folder / "made.json"

    def _is_made(self) -> bool:
        return self._stamp.exists() and self._stamp.read_bytes() == self._wanted

    def _make(self) -> None:
        began = time.monotonic()
        with self._administer() as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(_NAME)))
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(_NAME)))
        migrate(self.url)
        with psycopg.connect(plain(self.url), autocommit=True) as connection:
            for setting, value in _SESSION.items():
                connection.execute(sql.SQL("set {} = {}").format(sql.Identifier(setting), value))
            _fill(connection, self.size)
        _count_records(self.url)
        self._stamp.write_bytes(self._wanted)
        _say(f"the data took {time.monotonic() - began:.0f} s to make")


def plain(url: str) -> str:
    """A URL of ours as psycopg takes it."""
    return url.replace("+psycopg", "")


def offset() -> timedelta:
    """By how much to shift the clock of a process so that the data ends now."""
    return timedelta(minutes=round((ANCHOR - datetime.now(UTC)).total_seconds() / 60))


def _fill(connection: psycopg.Connection, size: Size) -> None:
    rebuild = _take_away(connection)
    for statement in _statements(size):
        began = time.monotonic()
        connection.execute(statement.encode())
        _say(f"{time.monotonic() - began:6.1f} s  {statement.splitlines()[0][:80]}")
    for statement in rebuild:
        began = time.monotonic()
        connection.execute(statement.encode())
        _say(f"{time.monotonic() - began:6.1f} s  {statement[:80]}")
    for table in _SERIAL:
        last = sql.SQL("select setval({}, (select max(id) from {}))")
        connection.execute(last.format(f"{table}_id_seq", sql.Identifier(table)))
    connection.execute("vacuum analyze")


def _count_records(url: str) -> None:
    """What the scheduler does every quarter of an hour."""
    database = Database(url)
    with database.session() as tx:
        vendor_records.refresh(tx, ANCHOR)
    database.dispose()


def _statements(size: Size) -> list[str]:
    values: dict[str, object] = {**asdict(size), "anchor": f"'{ANCHOR.isoformat()}'"}
    text = "\n".join(line for line in _SCRIPT.read_text().splitlines() if not line.lstrip().startswith("--"))
    text = _VARIABLE.sub(lambda found: str(values[found[1]]), text)
    return [statement.strip() for statement in text.split(";\n") if statement.strip()]


def _take_away(connection: psycopg.Connection) -> list[str]:
    """Drop references, unique constraints and indexes of the big tables; the statements that build them again."""
    rebuild: list[str] = []
    found = connection.execute(
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid::regclass::text = any(%s) and contype in ('f', 'u')"
        # References need the unique constraints: they go first and come last.
        " order by contype",
        [list(_BIG)],
    ).fetchall()
    for table, name, definition in found:
        connection.execute(f"alter table {table} drop constraint {name}".encode())
        rebuild.insert(0, f"alter table {table} add constraint {name} {definition}")
    found = connection.execute(
        "select indexname, indexdef from pg_indexes where tablename = any(%s) and indexname not like 'pk_%%'",
        [list(_BIG)],
    ).fetchall()
    for name, definition in found:
        connection.execute(f"drop index {name}".encode())
        rebuild.insert(0, definition)
    return rebuild


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
