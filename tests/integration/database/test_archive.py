"""The archive: every event and finished job moves from Redis to the database, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from sqlalchemy import event, text
from sqlalchemy.exc import SQLAlchemyError

from shared.broker import keys
from shared.broker.states import State
from shared.database import Database
from shared.database.archive import Archiver
from shared.database.archive_reader import DatabaseArchive
from shared.database.models import ArchivePosition
from shared.queues import Queue
from tests.integration.database.streams import (
    QUEUE,
    STREAM,
    WORKER,
    Stream,
    archived_events,
    archived_states,
)

JOB = "whatsapp-1"


@pytest.fixture
def stream(redis_client: redis.Redis) -> Stream:
    return Stream(redis_client)


@pytest.fixture
def archiver(database: Database, redis_client: redis.Redis) -> Archiver:
    return Archiver(database, redis_client)


def test_events_are_archived_in_order_and_leave_redis(archiver: Archiver, stream: Stream, database: Database) -> None:
    stream.run(JOB)

    assert archiver.run_once() == 3

    assert archived_events(database) == [("waiting", JOB), ("active", JOB), ("completed", JOB)]
    assert stream.length == 0


def test_nothing_new_is_nothing_archived(archiver: Archiver, stream: Stream) -> None:
    stream.run(JOB)
    archiver.run_once()

    assert archiver.run_once() == 0


def test_redis_learns_how_far_the_archive_got(
    archiver: Archiver, stream: Stream, redis_client: redis.Redis, database: Database
) -> None:
    stream.run(JOB)
    last = stream.add("waiting", "whatsapp-2")

    archiver.run_once()

    assert redis_client.hget(keys.meta(QUEUE), "archived") == last.encode()
    with database.reader() as tx:
        position = tx.get(ArchivePosition, QUEUE)
    assert position is not None
    assert f"{position.at_ms}-{position.seq}" == last


def test_a_finished_job_is_answered_whole(archiver: Archiver, stream: Stream, database: Database) -> None:
    error = {"type": "TimeoutError", "message": "slow", "attempt": 1}
    stream.finish(JOB, "failed", errors=[error], stalls=1, releasedMs=70, progress=40, deduplicationKey="k")

    archiver.run_once()

    job = DatabaseArchive(database).job(JOB)
    assert job is not None
    assert (job.id, job.queue, job.name, job.state, job.version) == (JOB, QUEUE, "message", State.FAILED, 2)
    assert job.data == {"type": "GENERIC_MESSAGE", "recipient": "+9779800000000"}
    assert (job.attempt, job.attempts, job.options) == (1, 5, {"attempts": 5})
    assert (job.errors, job.error, job.result) == ([error], error, None)
    assert (job.created_at_ms, job.started_at_ms, job.finished_at_ms) == (1000, 2000, 3000)
    assert (job.stalls, job.released_ms, job.progress, job.deduplication_key) == (1, 70, 40, "k")


def test_a_job_that_never_finished_is_not_in_the_archive(
    archiver: Archiver, stream: Stream, database: Database
) -> None:
    stream.add("waiting", JOB)

    archiver.run_once()

    assert DatabaseArchive(database).job(JOB) is None


def test_a_job_has_its_history_with_numbers_and_errors_parsed(
    archiver: Archiver, stream: Stream, database: Database
) -> None:
    first = stream.add("active", JOB, attempt=1, worker=WORKER)
    stream.add("delayed", JOB, attempt=1, delay=2000, error='{"type": "TimeoutError"}')
    stream.add("waiting", "whatsapp-2")

    archiver.run_once()

    events = DatabaseArchive(database).events(JOB)
    assert [event.event for event in events] == ["active", "delayed"]
    assert (events[0].stream_id, events[0].at_ms) == (first, int(first.split("-")[0]))
    assert events[0].fields == {"attempt": 1, "worker": WORKER}
    assert events[1].fields == {"attempt": 1, "delay": 2000, "error": {"type": "TimeoutError"}}


def test_of_a_job_that_was_retried_the_newest_end_stands(
    archiver: Archiver, stream: Stream, database: Database
) -> None:
    stream.finish(JOB, "failed")
    archiver.run_once()
    stream.add("retried", JOB, by="operator")
    stream.finish(JOB, "completed", attempt=2)
    archiver.run_once()

    job = DatabaseArchive(database).job(JOB)
    assert job is not None
    assert (job.state, job.attempt) == (State.COMPLETED, 2)
    assert [event for event, _ in archived_events(database)] == ["failed", "retried", "completed"]


def test_of_two_ends_in_one_batch_the_newest_stands(archiver: Archiver, stream: Stream, database: Database) -> None:
    stream.finish(JOB, "failed")
    stream.finish(JOB, "completed")

    archiver.run_once()

    assert archived_states(database) == {JOB: "completed"}


def test_events_of_a_queue_belong_to_no_job(archiver: Archiver, stream: Stream, database: Database) -> None:
    stream.add("paused", "", by="operator", why="maintenance")

    archiver.run_once()

    assert archived_events(database) == [("paused", None)]


def test_all_queues_are_archived(archiver: Archiver, redis_client: redis.Redis, database: Database) -> None:
    for queue in Queue:
        Stream(redis_client, queue).finish(f"job of {queue.name}")

    assert archiver.run_once() == 6

    assert len(archived_states(database)) == 6


def test_an_entry_that_nobody_understands_is_kept_as_it_is(
    archiver: Archiver, stream: Stream, database: Database, redis_client: redis.Redis
) -> None:
    redis_client.xadd(STREAM, {b"event": b"completed", b"job": b"whatsapp-1\xff", b"record": b"{broken"})
    redis_client.xadd(STREAM, {b"other": b"\x00thing"})
    stream.add("active", "x" * 1000, attempt="many", error="not json")
    stream.finish("whatsapp-2", name=None, data=[], errors="none", attempt="?", createdAt={}, v="\x00")

    assert archiver.run_once() == 4

    assert archived_events(database)[0] == ("completed", "whatsapp-1�")
    assert archived_states(database) == {"whatsapp-2": "completed"}
    assert stream.length == 0


def test_a_payload_with_nul_characters_is_archived_without_them(
    archiver: Archiver, stream: Stream, database: Database
) -> None:
    stream.finish(JOB, data={"message": "a\x00b"})

    archiver.run_once()

    job = DatabaseArchive(database).job(JOB)
    assert job is not None
    assert job.data == {"message": "a�b"}


def test_big_payloads_make_small_batches(archiver: Archiver, stream: Stream, database: Database) -> None:
    for number in range(40):
        stream.finish(f"whatsapp-{number}", data={"message": "x" * 1_000_000})

    assert archiver.run_once() == 40

    assert archiver._batch[QUEUE] < 20
    assert len(archived_states(database)) == 40


def test_a_batch_that_fails_stays_in_redis_and_the_other_queues_go_on(
    archiver: Archiver, redis_client: redis.Redis, database: Database
) -> None:
    Stream(redis_client, Queue.WHATSAPP).run(JOB)
    Stream(redis_client, Queue.ORDER_ROUTING).run("routing-1")

    def refuse_whatsapp(*arguments: object) -> None:
        if "archived_jobs" in str(arguments[2]) and JOB in str(arguments[3]):
            raise SQLAlchemyError("the disk is full")

    event.listen(database.engine, "before_cursor_execute", refuse_whatsapp)
    with pytest.raises(SQLAlchemyError, match="disk is full"):
        archiver.run_once()
    event.remove(database.engine, "before_cursor_execute", refuse_whatsapp)

    assert archived_states(database) == {"routing-1": "completed"}
    assert Stream(redis_client).length == 3
    assert archiver.run_once() == 3
    assert archived_events(database).count(("completed", JOB)) == 1


def test_a_crash_between_commit_and_trim_doubles_nothing(
    archiver: Archiver, stream: Stream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.run(JOB)
    with monkeypatch.context() as patch:
        patch.setattr(archiver, "_trim", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            archiver.run_once()
    stream.run("whatsapp-2")

    assert archiver.run_once() == 3

    assert len(archived_events(database)) == 6
    assert stream.length == 0


def test_archivers_at_once_archive_every_event_once(
    database: Database, redis_client: redis.Redis, stream: Stream
) -> None:
    stream.run_many([f"whatsapp-{number}" for number in range(1000)])
    archivers = [Archiver(database, redis_client) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda archiver: archiver.run_once(), archivers))

    assert sum(counts) == 3000
    assert len(archived_events(database)) == 3000
    assert len(archived_states(database)) == 1000


def test_a_decoding_client_does_as_well(database: Database, redis_client: redis.Redis, stream: Stream) -> None:
    stream.run(JOB)
    port = redis_client.connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port, decode_responses=True) as decoding:
        assert Archiver(database, decoding).run_once() == 3


def test_finished_jobs_are_listed_newest_first(archiver: Archiver, stream: Stream, database: Database) -> None:
    for number in range(5):
        stream.finish(f"whatsapp-{number}", "failed", finishedAt=1000 + number)
    stream.finish("whatsapp-9")
    archiver.run_once()
    reader = DatabaseArchive(database)

    page = reader.jobs(QUEUE, State.FAILED, limit=2)
    rest = reader.jobs(QUEUE, State.FAILED, before_ms=page[-1].finished_at_ms)

    assert [job.id for job in page] == ["whatsapp-4", "whatsapp-3"]
    assert [job.id for job in rest] == ["whatsapp-2", "whatsapp-1", "whatsapp-0"]


def test_the_history_of_a_job_is_read_by_its_index(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.session() as tx:
        tx.execute(text("set local enable_seqscan = off"))
        query = "explain select * from job_events where job_id = 'x' order by at_ms, seq"
        plan = "\n".join(tx.scalars(text(query)))
    database.dispose()

    assert "ix_job_events_job_id_at_ms_seq" in plan
    assert "Sort" not in plan
