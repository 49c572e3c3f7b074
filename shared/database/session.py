"""The database as processes see it: ``Database(url).session()``.

SQLite decisions:

- WAL, so readers never wait for the writer.
- ``session()`` begins with ``BEGIN IMMEDIATE``: a transaction that reads first and
  writes later would otherwise fail with "database is locked" at once, without
  waiting, when another one wrote in between. The price is that writers queue up
  from their beginning on; ``reader()`` takes no lock at all.
- ``synchronous=FULL``: in WAL mode NORMAL may lose the last commits at a power
  loss. A lost send record sends a message twice, and a lost archive batch is gone
  for good, since its events were trimmed from Redis after the commit. Hot paths
  commit in batches, so the sync per commit is affordable.
- ``recursive_triggers``: without it a REPLACE removes rows behind the back of the
  triggers that keep the ledger append-only.

PostgreSQL sessions carry a statement, a lock and an idle-in-transaction timeout:
a thread waiting in a system call can't be interrupted by a job's own timeout.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from shared.database.base import dump_json, load_json
from shared.database.transaction import Transaction
from shared.errors import ConfigurationError

DEFAULT_POOL_SIZE = 8
DEFAULT_STATEMENT_TIMEOUT_MS = 15_000
DEFAULT_LOCK_TIMEOUT_MS = 5_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000
CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 10

_READ_ONLY = "doko_read_only"
_POSTGRES_SCHEMES = {"postgres", "postgresql", "postgresql+psycopg"}


class Database:
    """One engine with its pool; cheap to share between threads, never across a fork.

    ``url`` is ``sqlite:///path`` or ``postgresql://user@host/name``; anything else, or
    SQLite in memory (each connection would see its own), is a ConfigurationError.
    """

    def __init__(
        self,
        url: str,
        *,
        application_name: str = "doko",
        pool_size: int = DEFAULT_POOL_SIZE,
        statement_timeout_ms: int = DEFAULT_STATEMENT_TIMEOUT_MS,
        lock_timeout_ms: int = DEFAULT_LOCK_TIMEOUT_MS,
    ) -> None:
        parsed = parse_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        options: dict[str, Any] = {
            "json_serializer": dump_json,
            "json_deserializer": load_json,
            "pool_size": pool_size,
            "max_overflow": pool_size,
            "pool_timeout": POOL_TIMEOUT_S,
            "hide_parameters": True,  # Parameters are people's data; errors end up in logs.
        }
        if self.is_sqlite:
            self.engine = _sqlite_engine(parsed, lock_timeout_ms, options)
        else:
            self.engine = _postgres_engine(parsed, application_name, statement_timeout_ms, lock_timeout_ms, options)
        self._readers = self.engine.execution_options(**{_READ_ONLY: True})

    def session(self) -> AbstractContextManager[Session]:
        """A transaction that may write: committed at the end, rolled back on any error."""
        return Transaction(self.engine)

    def reader(self) -> AbstractContextManager[Session]:
        """A transaction that only reads: it waits for no writer, and a write in it is an error."""
        return Transaction(self._readers)

    def ping(self) -> None:
        """Ask the database something; raises what SQLAlchemy raises if it doesn't answer."""
        with self.reader() as session:
            session.execute(text("select 1"))

    def dispose(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()


def parse_url(url: str) -> URL:
    """``url`` with the driver that Doko uses; ConfigurationError names what is wrong with it."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # The URL may hold a password: say what was expected, never what came.
        raise ConfigurationError("DATABASE_URL is not a URL: use sqlite:///path or postgresql://…") from error
    if parsed.drivername in _POSTGRES_SCHEMES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise ConfigurationError(
            f"DATABASE_URL has the scheme {parsed.drivername!r}: use sqlite:///path or postgresql://…"
        )
    if not parsed.database or ":memory:" in parsed.database:
        raise ConfigurationError("DATABASE_URL names SQLite in memory, which processes can't share: use sqlite:///path")
    return parsed


def _sqlite_engine(url: URL, busy_timeout_ms: int, options: dict[str, Any]) -> Engine:
    _create_private_file(Path(str(url.database)))
    engine = create_engine(url, connect_args={"timeout": busy_timeout_ms / 1000}, **options)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # The driver must not begin transactions by itself: `begin` below does, in the right mode.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "close")
    def let_go_of_locks(connection: Any, _record: object) -> None:
        # SQLite puts off closing, and keeps the locks, while a result is half read; the traceback of an
        # interrupted job holds such a result until the collector comes by.
        connection.rollback()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        is_reader = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if is_reader else 'OFF'}")
        connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")

    return engine


def _create_private_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # It holds phones and message texts: nobody but the owner reads it. WAL files copy its mode.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _postgres_engine(
    url: URL, application_name: str, statement_timeout_ms: int, lock_timeout_ms: int, options: dict[str, Any]
) -> Engine:
    settings = {
        "statement_timeout": statement_timeout_ms,
        "lock_timeout": lock_timeout_ms,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
        "timezone": "UTC",
        # Who opens a cursor here reads it to its end. For a plan with an early first row PostgreSQL would, on tables
        # that it has no statistics of yet, join them row by row.
        "cursor_tuple_fraction": 1,
    }
    given = url.query.get("options", "")
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    connect_args = {
        "application_name": application_name,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "options": f"{ours} {given}".strip(),  # What the URL says comes last and wins.
    }
    engine = create_engine(url, pool_pre_ping=True, connect_args=connect_args, **options)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_READ_ONLY, False):
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    return engine
