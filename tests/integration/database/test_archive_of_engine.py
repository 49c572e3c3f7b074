"""The archive reads what the real engine writes, and the job store answers from it."""

from __future__ import annotations

import pytest
import redis

from shared.broker import DokoBroker, JobOptions, NewJob, State
from shared.database import Database
from shared.database.archive import Archiver
from shared.database.archive_reader import DatabaseArchive
from shared.job_store import JobStore
from shared.queues import Queue


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
