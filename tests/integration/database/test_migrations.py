"""Migrations: they build what the models say, from any number of processes at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text

from shared.database import Database
from shared.database.base import Base
from shared.database.migrate import _config, current_revision, migrate, newest_revision

MIGRATE = "import sys; from shared.database.migrate import migrate; print(migrate(sys.argv[1]))"


def tables_of(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def test_the_migrated_schema_is_the_one_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, Base.metadata)

    assert differences == []


def test_the_migrated_checks_are_the_ones_of_the_models(database: Database) -> None:
    inspector = inspect(database.engine)
    for table in Base.metadata.sorted_tables:
        expected = {str(check.name) for check in table.constraints if isinstance(check, CheckConstraint)}
        assert {check["name"] for check in inspector.get_check_constraints(table.name)} == expected


def test_the_migrated_partial_indexes_have_their_conditions(database: Database) -> None:
    kind = "sqlite" if database.is_sqlite else "postgresql"
    inspector = inspect(database.engine)
    for table in Base.metadata.sorted_tables:
        expected = {index.name for index in table.indexes if index.dialect_options[kind]["where"] is not None}
        migrated = {
            index["name"]
            for index in inspector.get_indexes(table.name)
            if index.get("dialect_options", {}).get(f"{kind}_where") is not None
        }
        assert migrated == expected


def test_migrating_again_changes_nothing(database_url: str) -> None:
    assert migrate(database_url) == migrate(database_url) == newest_revision()


def test_an_empty_database_has_no_revision(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    assert current_revision(database) is None

    migrate(empty_database_url)

    assert current_revision(database) == newest_revision()
    database.dispose()


def test_processes_that_migrate_at_once_build_one_schema(empty_database_url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, empty_database_url], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert answers == [newest_revision()] * 4


def test_all_revisions_can_be_taken_back(database: Database) -> None:
    with database.engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    assert tables_of(database) == {"alembic_version"}


def test_a_migration_that_fails_leaves_the_schema_as_it_was(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    with database.session() as session:
        session.execute(text("create table whatsapp_messages (id integer)"))

    with pytest.raises(Exception, match="already exists"):
        migrate(empty_database_url)

    assert tables_of(database) == {"whatsapp_messages"}
    database.dispose()
