"""The doubles of the outside world, whole systems, and one system that tests share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from deploy.local.redis_server import RedisServer
from tests.doubles.sentry_ingest import SentryIngest
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.kit.system import ALL, System, to_meta


class MakeSystem(Protocol):
    """Makes a system that is not started yet; ``settings`` are environment variables."""

    def __call__(self, database_url: str, **settings: str) -> System: ...


@pytest.fixture(scope="session")
def provider() -> Iterator[WhatsAppDouble]:
    """The WhatsApp provider: every test writes to phones of its own."""
    with WhatsAppDouble() as double:
        yield double


@pytest.fixture
def sentry() -> Iterator[SentryIngest]:
    """Sentry."""
    with SentryIngest() as ingest:
        yield ingest


@pytest.fixture
def make_system(redis_url: str, tmp_path: Path) -> Iterator[MakeSystem]:
    """A factory of systems on a given database; what they started ends with the test."""
    made: list[System] = []

    def make(database_url: str, **settings: str) -> System:
        made.append(System(tmp_path, redis_url, database_url, settings))
        return made[-1]

    yield make
    for system in made:
        system.close()


@pytest.fixture(scope="session")
def _shared_system(
    sqlite_template: Path, provider: WhatsAppDouble, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("system")
    redis_server = RedisServer(folder / "redis")
    redis_server.start()
    shutil.copy(sqlite_template, folder / "doko.db")
    system = System(folder, redis_server.url, f"sqlite:///{folder / 'doko.db'}", to_meta(provider))
    system.start(*ALL)
    yield system
    system.close()
    redis_server.stop()


@pytest.fixture
def system(_shared_system: System) -> Iterator[System]:
    """A running system on SQLite that sends to the provider double, left running by each test."""
    yield _shared_system
    _shared_system.ask("POST", "/queues/WHATSAPP/resume")
