"""PostgreSQL roles: one per process, with only the rights it needs, from one table.

The roles are groups without a password. An operator gives each a login of its own
(``alter role doko_credit login password …``) or makes one a member, and writes it into
that process' ``DATABASE_URL``. ``grant_roles`` runs as the tables' owner, after every
migration; it takes back what the table no longer says. SQLite has no roles.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Table, text

from shared.database import models  # noqa: F401 - fills the metadata
from shared.database.base import Base
from shared.database.migrate import ADVISORY_LOCK
from shared.database.rights import RIGHTS, Right
from shared.database.session import Database
from shared.errors import ConfigurationError

_CREATE_ROLE = """do $$ begin create role {role} nologin;
exception when duplicate_object or unique_violation then null; end $$"""


def grant_roles(database_url: str) -> list[str]:
    """Create the roles where they are missing, and give each exactly its rights; returns their names.

    Roles belong to the server, rights to this database. ConfigurationError for SQLite,
    SQLAlchemy's errors for a user that may not create roles or doesn't own the tables.
    """
    database = Database(database_url, application_name="doko-roles", pool_size=1)
    try:
        if database.is_sqlite:
            raise ConfigurationError("SQLite has no roles: DATABASE_URL must name a PostgreSQL database")
        with database.engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            for role in RIGHTS:
                _grant(connection, role)
    finally:
        database.dispose()
    return list(RIGHTS)


def _grant(connection: Connection, role: str) -> None:
    connection.exec_driver_sql(_CREATE_ROLE.format(role=role))
    for kind in ("tables", "sequences"):
        connection.exec_driver_sql(f"revoke all on all {kind} in schema public from {role}")
    connection.exec_driver_sql(f"grant usage on schema public to {role}")
    # Whether the schema is new enough is for every process to ask.
    connection.exec_driver_sql(f"grant select on alembic_version to {role}")
    for name, right in RIGHTS[role].items():
        for what, target in _grants(Base.metadata.tables[name], right):
            connection.exec_driver_sql(f"grant {what} on {target} to {role}")


def _grants(table: Table, right: Right) -> Iterator[tuple[str, str]]:
    """What to grant, and on what."""
    yield "select", table.name
    if right.insert:
        yield "insert", table.name
        if table.autoincrement_column is not None:
            yield "usage", f"sequence {table.name}_{table.autoincrement_column.name}_seq"
    if right.update:
        yield f"update ({', '.join(right.update)})", table.name
    if right.delete:
        yield "delete", table.name
