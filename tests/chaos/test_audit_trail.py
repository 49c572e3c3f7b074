"""The scheduler that archives, Redis and PostgreSQL are killed in turn under load: no event is lost or told twice."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from deploy.local.postgres import PostgresServer, PostgresUnavailable
from deploy.local.redis_server import RedisServer
from shared.broker import keys
from shared.database import Database
from shared.database.chain_check import check_chains
from shared.database.migrate import migrate
from shared.database.models import JobEventRow
from shared.errors import RedisUnavailable, WrongState
from shared.queues import Queue
from tests.chaos.fleet import wait_for
from tests.chaos.stage import SOAK, report
from tests.integration.database.streams import archived_events, archived_states
from tests.kit.engine import Engine

ROUNDS = 10 if SOAK else 1
QUEUE = Queue.ORDER_PROCESSING
FAR_AWAY_MS = 3_600_000
PAUSE_S = 0.01


class Load:
    """Creates jobs that are due in an hour and cancels each: two events a job, whatever has to be repeated."""

    def __init__(self, url: str) -> None:
        self._engine = Engine(url, queue=QUEUE)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self.cancelled: list[str] = []
        self.repeated = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> list[str]:
        """The ids of all jobs, each created and cancelled."""
        self._stopped.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        self._engine.close()
        return self.cancelled

    def _run(self) -> None:
        while not self._stopped.is_set():
            job_id = f"orders-{uuid.uuid4().hex}"
            self._until_answered(partial(self._engine.add, delay_ms=FAR_AWAY_MS, job_id=job_id))
            self._until_answered(partial(self._cancel, job_id))
            self.cancelled.append(job_id)
            self._stopped.wait(PAUSE_S)

    def _cancel(self, job_id: str) -> None:
        try:
            self._engine.store.cancel(job_id, "the load")
        except WrongState:
            return  # the answer to the first try was lost

    def _until_answered(self, call: Callable[[], object]) -> None:
        while True:
            try:
                call()
            except RedisUnavailable:
                self.repeated += 1
                time.sleep(0.05)
            else:
                return


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    try:
        server = PostgresServer()
        server.start()
    except PostgresUnavailable as unavailable:
        pytest.skip(f"no PostgreSQL: {unavailable}")
    yield server
    server.stop()


def start_again(server: PostgresServer) -> None:
    """Its orphaned processes hold the memory of the killed one for a moment."""
    deadline = time.monotonic() + 30
    while True:
        try:
            server.start()
        except PostgresUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return


def test_killing_the_archiver_redis_and_the_database_in_turn_loses_and_doubles_no_event(
    redis_server: RedisServer, postgres: PostgresServer, tmp_path: Path
) -> None:
    migrate(postgres.url)
    environment = {"REDIS_URL": redis_server.url, "DATABASE_URL": postgres.url, "DATA_DIR": str(tmp_path)}
    environment |= {"LOG_DIR": str(tmp_path / "logs"), "PATH": "/usr/bin:/bin"}

    def start_scheduler() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "gateway.cli", "scheduler"]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)

    database = Database(postgres.url)
    load = Load(redis_server.url)
    scheduler = start_scheduler()
    try:
        load.start()
        for _ in range(ROUNDS):
            _archives_more(database)
            scheduler.kill()
            scheduler.wait()
            scheduler = start_scheduler()
            _archives_more(database)
            redis_server.kill()
            time.sleep(0.5)
            redis_server.start()
            _archives_more(database)
            postgres.kill()
            time.sleep(0.5)
            start_again(postgres)
            database.dispose()
        _archives_more(database)
        jobs = load.stop()
        client = Engine(redis_server.url).client
        wait_for(lambda: client.xlen(keys.events(QUEUE)) == 0, "the archive has everything", within_s=60)
        client.close()
    finally:
        load._stopped.set()
        scheduler.kill()
        scheduler.wait()

    counted = Counter(archived_events(database))
    states = archived_states(database)
    reports = check_chains(database)
    database.dispose()
    report(f"{ROUNDS} rounds of kills, {len(jobs)} jobs, {load.repeated} calls repeated while Redis was away")
    assert load.repeated > 0
    assert set(counted.values()) == {1}
    assert counted.keys() == {(event, job) for job in jobs for event in ("delayed", "cancelled")}
    assert states == dict.fromkeys(jobs, "cancelled")
    assert [one.finding for one in reports] == [None] * 7
    assert sum(one.checked for one in reports) == 2 * len(jobs)


def _archives_more(database: Database) -> None:
    """Wait until the archive has more events than now."""
    before: int | None = None

    def has_more() -> bool:
        nonlocal before
        try:
            with database.reader() as tx:
                found = tx.scalars(select(func.count()).select_from(JobEventRow)).one()
        except DBAPIError:
            return False  # PostgreSQL recovers
        before = found if before is None else before
        return found > before

    wait_for(has_more, "the archive goes on", every_s=0.1)
