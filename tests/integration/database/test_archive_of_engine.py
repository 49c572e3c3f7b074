"""The archive reads what the real engine writes, and the job store answers from it."""

from __future__ import annotations

import pytest
import redis

from shared.broker import DokoBroker, JobOptions, NewJob, State
from shared.broker.connection import Scripts
from shared.database import Database
from shared.database.archive import Archiver
from shared.database.archive_reader import DatabaseArchive
from shared.errors import DeduplicationKeyTaken, WrongState
from shared.job_store import JobStore
from shared.queues import Queue
from tests.kit.engine import RawWorker


@pytest.fixture
def store(database: Database, redis_client: redis.Redis) -> JobStore:
    return JobStore(redis_client, DatabaseArchive(database))


def test_a_job_that_redis_has_forgotten_is_still_answered_whole(
    database: Database, redis_client: redis.Redis, store: JobStore
) -> None:
    job = NewJob(Queue.WHATSAPP, "message", {"message": "नमस्ते"}, 2, JobOptions(attempts=7, deduplication_key="k"))
    job_id = DokoBroker(redis_client).add(job).job_id
    store.cancel(job_id, by="sita", why="test")
    before, history = store.job(job_id), store.events(job_id)
    Archiver(database, redis_client).run_once()
    redis_client.flushall()

    after = store.job(job_id)

    assert (after.state, after.data, after.version) == (State.CANCELLED, {"message": "नमस्ते"}, 2)
    assert (after.name, after.attempts, after.options) == (before.name, before.attempts, before.options)
    assert (after.created_at_ms, after.finished_at_ms) == (before.created_at_ms, before.finished_at_ms)
    assert store.events(job_id) == history
    assert [event.event for event in history] == ["waiting", "cancelled"]


def test_a_history_that_is_half_archived_is_shown_whole(
    database: Database, redis_client: redis.Redis, store: JobStore
) -> None:
    job_id = DokoBroker(redis_client).add(NewJob(Queue.WHATSAPP, "message", {})).job_id
    Archiver(database, redis_client).run_once()
    store.cancel(job_id, by="sita")

    assert [event.event for event in store.events(job_id)] == ["waiting", "cancelled"]


def fail(client: redis.Redis, job_id: str) -> None:
    worker = RawWorker(Scripts(client), Queue.WHATSAPP.value, "w1")
    taken = worker.take()
    assert taken.id == job_id
    worker.finish(taken, "failed", {"type": "Timeout", "message": "no answer"})


def test_a_failed_job_that_redis_has_forgotten_runs_again(
    database: Database, redis_client: redis.Redis, store: JobStore
) -> None:
    broker = DokoBroker(redis_client)
    options = JobOptions(attempts=7, deduplication_key="k", priority=3)
    job_id = broker.add(NewJob(Queue.WHATSAPP, "message", {"recipient": "+9779800000000"}, 2, options)).job_id
    fail(redis_client, job_id)
    Archiver(database, redis_client).run_once()
    before = store.job(job_id)
    redis_client.flushall()

    after = store.retry(Queue.WHATSAPP, job_id, "sita")

    assert (after.state, after.attempt, after.attempts, after.version) == (State.WAITING, 0, 7, 2)
    assert (after.data, after.options, after.errors) == (before.data, before.options, before.errors)
    assert after.created_at_ms == before.created_at_ms
    event = store.events(job_id)[-1]
    assert (event.event, event.fields) == ("retried", {"by": "sita"})
    assert store.queue_stats(Queue.WHATSAPP).waiting == 1
    with pytest.raises(WrongState):
        store.retry(Queue.WHATSAPP, job_id, "sita")
    assert broker.add(NewJob(Queue.WHATSAPP, "message", {}, 2, options)).job_id == job_id


def test_a_forgotten_job_whose_key_another_took_stays_forgotten(
    database: Database, redis_client: redis.Redis, store: JobStore
) -> None:
    broker = DokoBroker(redis_client)
    job = NewJob(Queue.WHATSAPP, "message", {}, 2, JobOptions(deduplication_key="k"))
    job_id = broker.add(job).job_id
    fail(redis_client, job_id)
    Archiver(database, redis_client).run_once()
    redis_client.flushall()
    holder = broker.add(job).job_id

    with pytest.raises(DeduplicationKeyTaken) as taken:
        store.retry(Queue.WHATSAPP, job_id, "sita")

    assert taken.value.holder_id == holder
    assert not redis_client.exists(f"doko:{{{Queue.WHATSAPP.value}}}:job:{job_id}")


def test_a_forgotten_job_that_did_not_fail_is_not_retried(
    database: Database, redis_client: redis.Redis, store: JobStore
) -> None:
    job_id = DokoBroker(redis_client).add(NewJob(Queue.WHATSAPP, "message", {})).job_id
    store.cancel(job_id, by="sita")
    Archiver(database, redis_client).run_once()
    redis_client.flushall()

    with pytest.raises(WrongState, match="is cancelled"):
        store.retry(Queue.WHATSAPP, job_id, "sita")
