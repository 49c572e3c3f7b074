"""Bring a database to the newest schema; safe when several processes start at once.

Everything runs in one transaction that first takes a lock: on PostgreSQL an
advisory lock, on SQLite the write lock that ``BEGIN IMMEDIATE`` takes. Whoever
comes second waits, then reads the version inside its own transaction and finds
nothing to do. A revision that fails leaves the schema as it was.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from shared.database.session import Database

MIGRATION_TIMEOUT_MS = 10 * 60 * 1000
ADVISORY_LOCK = 0x646F6B6F
"""Any constant will do, as long as all versions of Doko agree on it ("doko")."""

_MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(database_url: str, revision: str = "head") -> str | None:
    """Upgrade the database at ``database_url`` and return the revision it is at.

    Waits up to ten minutes for another process that migrates. ConfigurationError
    for a wrong URL, SQLAlchemy's errors for a database that can't be reached.
    """
    database = Database(
        database_url,
        application_name="doko-migrate",
        pool_size=1,
        statement_timeout_ms=MIGRATION_TIMEOUT_MS,
        lock_timeout_ms=MIGRATION_TIMEOUT_MS,
    )
    try:
        with database.engine.begin() as connection:
            if not database.is_sqlite:
                connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            return _revision_of(connection)
    finally:
        database.dispose()


def current_revision(database: Database) -> str | None:
    """The revision the database is at; None before the first migration."""
    with database.reader() as session:
        return _revision_of(session.connection())


def newest_revision() -> str | None:
    """The revision that this version of the code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    # "%" would start an interpolation in Alembic's ini parser.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
