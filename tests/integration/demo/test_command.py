"""`doko demo` and the first start of `make up`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from gateway.cli import main
from gateway.demo.running import load_at_first_start
from shared.database import Database
from shared.database.models import Order, Retailer
from shared.settings import Settings

TWILIO = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret", "TWILIO_FROM": "whatsapp:+14155238886"}
ROOT = Path(__file__).parents[3]
TIMEOUT_S = 60

pytestmark = pytest.mark.slow


def doko(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environment)


def retailers_in(url: str) -> int:
    database = Database(url)
    with database.reader() as tx:
        found = len(tx.scalars(select(Retailer.id)).all())
    database.dispose()
    return found


def test_the_command_loads_once_and_says_what_to_try(database_url: str) -> None:
    first = doko("demo", "--retailers", "3", "--months", "1", DATABASE_URL=database_url)
    second = doko("demo", "--retailers", "3", "--months", "1", DATABASE_URL=database_url)

    assert first.exit_code == 0, first.output
    assert "Loaded the demo: 3 retailers" in first.output
    with (database := Database(database_url)).reader() as tx:
        number = tx.scalars(select(Order.number).order_by(Order.id.desc())).first()
    database.dispose()
    assert f"{number} is a draft of RET001 that waits to be confirmed." in first.output
    assert f"/api/v1/orders/{number}/confirm" in first.output
    assert second.exit_code == 1
    assert "demo data goes into an empty one" in second.output


def test_a_real_provider_is_refused(sqlite_url: str) -> None:
    done = doko("demo", DATABASE_URL=sqlite_url, **TWILIO)

    assert done.exit_code == 1
    assert "demo data is refused while WHATSAPP_PROVIDER is twilio" in done.output
    assert retailers_in(sqlite_url) == 0


def test_a_demo_of_tomorrow_is_refused(sqlite_url: str) -> None:
    done = doko("demo", "--as-of", "2999-01-01", DATABASE_URL=sqlite_url)

    assert done.exit_code == 1
    assert "2999-01-01, which is yet to come" in done.output


def test_with_a_folder_it_writes_files_and_needs_no_database(tmp_path: Path) -> None:
    arguments = ("demo", "--retailers", "3", "--months", "1", "--output", str(tmp_path / "files"))

    done = doko(*arguments, DATABASE_URL=f"sqlite:///{tmp_path / 'none.db'}", **TWILIO)

    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "files").glob("*.csv"))) == 7
    assert not (tmp_path / "none.db").exists()


def test_a_killed_load_leaves_a_database_that_takes_the_next_one(sqlite_url: str, tmp_path: Path) -> None:
    written = tmp_path / "doko.db-wal"
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "demo", "--retailers", "3000"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path)},
    )
    deadline = time.monotonic() + TIMEOUT_S
    # What was written and not committed spills into the log as soon as it outgrows the memory.
    while not (written.exists() and written.stat().st_size > 0):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(TIMEOUT_S) == -signal.SIGKILL

    assert retailers_in(sqlite_url) == 0
    assert doko("demo", "--retailers", "3", "--months", "1", DATABASE_URL=sqlite_url).exit_code == 0


def test_the_first_start_loads_and_later_ones_do_not(database: Database) -> None:
    settings = Settings()

    assert "Loaded the demo: 30 retailers" in str(load_at_first_start(database, settings))
    assert load_at_first_start(database, settings) is None


@pytest.mark.parametrize(
    "environment",
    [{"DOKO_DEMO": "off"}, {"DOKO_ENV": "production"}, TWILIO],
    ids=["switched off", "production", "real provider"],
)
def test_the_first_start_loads_nothing_where_it_should_not(sqlite_url: str, environment: dict[str, str]) -> None:
    database = Database(sqlite_url)

    assert load_at_first_start(database, Settings.from_environment(environment)) is None
    assert retailers_in(sqlite_url) == 0
    database.dispose()


def test_without_faker_it_starts_all_the_same(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faker", None)
    database = Database(sqlite_url)

    told = load_at_first_start(database, Settings())

    assert (
        told == "Started without demo data: demo data needs Faker: install the extra `demo` (pip install 'doko[demo]')"
    )
    database.dispose()
