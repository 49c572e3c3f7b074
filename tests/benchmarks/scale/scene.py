"""What every measurement is given: the data, a Redis of its own, and Doko's processes on both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from deploy.local.redis_server import RedisServer
from gateway.housekeeping import Parts
from shared.broker import DokoBroker
from shared.broker.connection import connect
from shared.database import Database
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.settings import Settings
from tests.benchmarks.scale.data import Platform, offset
from tests.kit.system import System
from tests.kit.trade import as_setting

LEASE_MS = "30000"
KEPT = {"LEASE_MS": LEASE_MS, "SWEEP_INTERVAL_MS": "2000", "SHUTDOWN_GRACE_MS": "10000", "DOKO_DEMO": "off"}
"""What a deployment has, where the tests' systems are in more of a hurry."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The platform's data and the folder for everything else."""

    platform: Platform
    folder: Path

    @contextmanager
    def redis(self) -> Iterator[RedisServer]:
        """An empty server, as durable as a deployment's."""
        server = RedisServer(self.folder / "redis")
        server.start()
        try:
            with connect(server.url) as client:
                client.flushall()
            yield server
        finally:
            server.stop()

    @contextmanager
    def system(self, redis_url: str, database_url: str, **settings: str) -> Iterator[System]:
        """Doko's processes at the data's time, not yet started."""
        folder = self.folder / "system"
        folder.mkdir(parents=True, exist_ok=True)
        clock = {"CLOCK_OFFSET": as_setting(offset())}
        system = System(folder, redis_url, database_url, {**KEPT, **clock, **settings})
        try:
            yield system
        finally:
            system.close()


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """A database, closed at the end."""
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def housekeeping(database: Database, redis_url: str) -> Iterator[Parts]:
    """What the scheduler's housekeeping works with, at the data's time."""
    settings = Settings(clock_offset=offset())
    with connect(redis_url) as client:
        broker = DokoBroker(client)
        yield Parts(settings, database, JobStore(client), JobQueueService(broker, clock=settings.clock()))


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that run within the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
