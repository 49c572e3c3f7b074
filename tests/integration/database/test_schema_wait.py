"""Processes wait for the migration, whichever starts first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import text

from shared.database import Database, schema_wait
from shared.database.migrate import migrate, newest_revision
from shared.database.schema_wait import known_revisions, what_is_missing

ROOT = Path(__file__).parents[3]


def test_the_files_say_what_alembic_says() -> None:
    newest, earlier = known_revisions()
    script = ScriptDirectory(str(Path(schema_wait.__file__).with_name("migrations")))

    assert newest == newest_revision()
    assert earlier == {each.revision for each in script.walk_revisions()} - {newest}


def test_a_database_without_tables_or_with_old_ones_is_waited_for(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    try:
        assert "no tables yet" in str(what_is_missing(database))
        migrate(empty_database_url, "0001")
        assert f"{newest_revision()} is needed" in str(what_is_missing(database))
        migrate(empty_database_url)
        assert what_is_missing(database) is None
    finally:
        database.dispose()


def test_a_newer_schema_is_good_so_that_a_release_can_be_taken_back(empty_database_url: str) -> None:
    migrate(empty_database_url)
    database = Database(empty_database_url)
    with database.session() as tx:
        tx.execute(text("update alembic_version set version_num = '9999'"))

    assert what_is_missing(database) is None
    database.dispose()


def test_a_server_that_is_away_is_waited_for() -> None:
    database = Database("postgresql://nobody:secret@127.0.0.1:1/none", pool_size=1)

    missing = what_is_missing(database)

    assert missing is not None
    assert "secret" not in missing
    database.dispose()


def test_the_command_follows_once_the_tables_are_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'doko.db'}"
    command = [sys.executable, "-m", "shared.database.schema_wait", sys.executable, "-c", "print('at work')"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": url}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "Waiting for the migration" in process.stderr.readline()
        migrate(url)
        output, _ = process.communicate(timeout=30)

    assert (process.returncode, output.strip()) == (0, "at work")


def test_a_wrong_setting_ends_the_wait_with_one_line(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": "mysql://x/y"}
    done = subprocess.run(
        [sys.executable, "-m", "shared.database.schema_wait"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
