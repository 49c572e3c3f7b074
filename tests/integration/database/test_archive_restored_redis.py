"""A Redis that was wiped, restored or has a clock behind: the archive loses nothing and doubles nothing."""

from __future__ import annotations

import pytest
import redis

from shared.database import Database
from shared.database.archive import Archiver
from shared.database.archive_reader import DatabaseArchive
from shared.database.models import ArchivePosition
from tests.integration.database.streams import QUEUE, STREAM, Stream, archived_events, archived_states

NOW = 1_790_000_000_000


@pytest.fixture
def stream(redis_client: redis.Redis) -> Stream:
    return Stream(redis_client)


@pytest.fixture
def archiver(database: Database, redis_client: redis.Redis) -> Archiver:
    return Archiver(database, redis_client)


def position_of(database: Database) -> tuple[int, int]:
    with database.reader() as tx:
        position = tx.get_one(ArchivePosition, QUEUE)
        return position.at_ms, position.seq


def test_events_of_a_wiped_redis_are_archived_though_its_clock_is_behind(
    archiver: Archiver, stream: Stream, database: Database, redis_client: redis.Redis
) -> None:
    stream.finish("whatsapp-1", at=f"{NOW}-0")
    archiver.run_once()
    redis_client.flushall()
    stream.finish("whatsapp-2", at=f"{NOW - 60_000}-0")
    stream.finish("whatsapp-3", at=f"{NOW - 30_000}-0")

    assert archiver.run_once() == 2

    assert set(archived_states(database)) == {"whatsapp-1", "whatsapp-2", "whatsapp-3"}
    assert stream.length == 0
    assert position_of(database) == (NOW, 0)


def test_events_on_both_sides_of_the_position_are_all_archived(
    archiver: Archiver, stream: Stream, database: Database, redis_client: redis.Redis
) -> None:
    stream.finish("whatsapp-1", at=f"{NOW}-0")
    archiver.run_once()
    redis_client.flushall()
    stream.finish("whatsapp-2", at=f"{NOW - 1}-0")
    stream.finish("whatsapp-3", at=f"{NOW + 1}-0")

    assert archiver.run_once() == 2

    assert len(archived_events(database)) == 3
    assert position_of(database) == (NOW + 1, 0)


def test_events_that_an_older_file_brought_back_are_not_doubled(
    archiver: Archiver, stream: Stream, database: Database, redis_client: redis.Redis
) -> None:
    for seq in range(5):
        stream.finish(f"whatsapp-{seq}", at=f"{NOW}-{seq}")
    backup: bytes = redis_client.dump(STREAM) or b""
    archiver.run_once()
    stream.finish("whatsapp-5", at=f"{NOW}-5")
    archiver.run_once()

    redis_client.delete(STREAM)
    redis_client.restore(STREAM, 0, backup)
    stream.finish("whatsapp-6", at=f"{NOW + 9}-0")

    assert archiver.run_once() == 1

    assert archived_events(database) == [("completed", f"whatsapp-{number}") for number in range(7)]
    assert stream.length == 0


def test_an_id_that_comes_again_with_another_event_is_archived_beside_the_first(
    archiver: Archiver, stream: Stream, database: Database, redis_client: redis.Redis
) -> None:
    stream.add("active", "whatsapp-1", at=f"{NOW}-0")
    stream.finish("whatsapp-1", at=f"{NOW}-1")
    archiver.run_once()
    redis_client.flushall()
    stream.add("active", "whatsapp-2", at=f"{NOW}-0")
    stream.finish("whatsapp-2", at=f"{NOW}-1")

    assert archiver.run_once() == 2

    assert sorted(archived_events(database), key=str) == [
        ("active", "whatsapp-1"),
        ("active", "whatsapp-2"),
        ("completed", "whatsapp-1"),
        ("completed", "whatsapp-2"),
    ]
    assert [event.event for event in DatabaseArchive(database).events("whatsapp-2")] == ["active", "completed"]


def test_an_event_archived_beside_another_is_known_when_it_is_read_again(
    archiver: Archiver, stream: Stream, database: Database, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.finish("whatsapp-1", at=f"{NOW}-0")
    archiver.run_once()
    redis_client.flushall()
    stream.finish("whatsapp-2", at=f"{NOW}-0")
    with monkeypatch.context() as patch:
        patch.setattr(archiver, "_trim", lambda *_: None)
        assert archiver.run_once() == 1

    assert archiver.run_once() == 0

    assert len(archived_events(database)) == 2
    assert stream.length == 0


def test_a_job_that_an_older_file_brought_back_and_ran_again_shows_its_newest_end(
    archiver: Archiver, stream: Stream, database: Database
) -> None:
    stream.finish("whatsapp-1", "failed", at=f"{NOW}-0")
    archiver.run_once()
    stream.finish("whatsapp-1", "completed", at=f"{NOW + 5}-0")
    archiver.run_once()

    assert archived_states(database) == {"whatsapp-1": "completed"}
