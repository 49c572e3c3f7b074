"""What an operator sees and does: lists, counts, retries of remembered and forgotten jobs, a full Redis."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.local.redis_server import RedisServer
from shared.broker import State
from shared.errors import DeduplicationKeyTaken, InvalidOption, QueueFull, WrongState
from shared.job_listing import InvalidCursor
from shared.job_records import Job, JobEvent
from shared.job_store import JobStore
from shared.queues import Queue
from tests.kit.engine import QUEUE, SHORT, Engine, error


class ArchiveFake:
    """An archive that remembers what it is given."""

    def __init__(self, *jobs: Job) -> None:
        self._jobs = {job.id: job for job in jobs}

    def job(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def events(self, job_id: str) -> list[JobEvent]:
        del job_id
        return []

    def jobs_by_id(self, job_ids: Collection[str]) -> dict[str, Job]:
        return {job_id: self._jobs[job_id] for job_id in job_ids if job_id in self._jobs}

    def ended(self, *_: Any) -> list[tuple[str, int]]:
        return []


def pages(engine: Engine, state: State | None, limit: int, between: Any = None) -> list[list[str]]:
    cursor, found = None, []
    while True:
        page = engine.store.jobs(engine.queue, state, cursor, limit)
        found.append([job.id for job in page.jobs])
        cursor = page.cursor
        if cursor is None:
            return found
        if between:
            between(len(found))


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_hold_every_job_once_in_the_order_they_will_run(engine: Engine, limit: int) -> None:
    low, high = engine.add_ids(4, priority=90), engine.add_ids(3, priority=10)
    found = [job_id for page in pages(engine, State.WAITING, limit) for job_id in page]
    assert found == [*high, *low]


def test_finished_jobs_are_listed_newest_first(engine: Engine) -> None:
    worker = engine.raw_worker()
    ids = []
    for _ in range(5):
        ids.append(engine.add().job_id)
        worker.finish(worker.take(), "failed", error())
    by_time = sorted(ids, key=lambda i: (engine.store.job(i).finished_at_ms, i), reverse=True)
    assert [job_id for page in pages(engine, State.FAILED, 2) for job_id in page] == by_time
    page = engine.store.failed(QUEUE, 1, 2)
    assert ([job.id for job in page.jobs], page.count, page.total) == (by_time[1:3], 2, 5)


def test_a_list_over_all_states_holds_every_job(engine: Engine) -> None:
    worker = engine.raw_worker()
    ids = set(engine.add_ids(5)) | set(engine.add_ids(3, delay_ms=60_000))
    worker.finish(worker.take())
    worker.finish(worker.take(), "failed", error())
    worker.take()
    found = [job_id for page in pages(engine, None, 2) for job_id in page]
    assert len(found) == len(set(found))
    assert set(found) == ids


def test_jobs_that_move_on_between_pages_hide_no_other(engine: Engine) -> None:
    worker = engine.raw_worker()
    ids = engine.add_ids(9)

    def move(_: int) -> None:
        worker.fetch(2)

    found = [job_id for page in pages(engine, State.WAITING, 3, move) for job_id in page]
    assert len(found) == len(set(found))
    assert set(found) | set(worker.held) == set(ids)


def test_a_page_goes_on_behind_jobs_that_were_removed(bare_engine: Engine) -> None:
    worker = bare_engine.raw_worker()
    for _ in range(6):
        bare_engine.add()
        worker.finish(worker.take())
    done = [job.id for job in bare_engine.store.jobs(QUEUE, State.COMPLETED).jobs]
    bare_engine.client.delete(bare_engine.prefix + "job:" + done[0])
    found = [job_id for page in pages(bare_engine, State.COMPLETED, 3) for job_id in page]
    assert found == done[1:]


def test_parked_and_once_stalled_jobs_are_listed_as_waiting(redis_server: RedisServer) -> None:
    engine = Engine(redis_server.url, queue=Queue.WHATSAPP)
    engine.store.set_limits(Queue.WHATSAPP, group_cap=1)
    ids = {engine.add("message", {"recipient": group}).job_id for group in "aaabbc"}
    for limit in (1, 2, 4, 50):
        found = [job_id for page in pages(engine, State.WAITING, limit) for job_id in page]
        assert len(found) == len(set(found)) == 6
        assert set(found) == ids
    engine.close()


@pytest.mark.parametrize("cursor", ["x", "e30", "bm9uc2Vuc2U", "WzksInkiLDFd", "é"])
def test_a_made_up_cursor_is_refused(engine: Engine, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        engine.store.jobs(QUEUE, State.WAITING, cursor)


def test_the_counts_of_a_queue(engine: Engine) -> None:
    worker = engine.raw_worker()
    assert engine.store.queue_stats(QUEUE).oldest_waiting_ms is None
    engine.add_ids(4)
    engine.add(delay_ms=60_000)
    worker.finish(worker.take())
    worker.take()
    worker.renew()
    engine.make_due()
    engine.expire_leases()
    stats = engine.store.stats()[QUEUE]
    assert (stats.waiting, stats.active, stats.delayed, stats.completed) == (2, 1, 1, 1)
    assert stats.backlog == 2 + 1 + 1
    assert stats.workers == 1
    assert stats.oldest_waiting_ms is not None


def test_a_retry_keeps_id_and_history_and_starts_its_attempts_anew(engine: Engine) -> None:
    worker = engine.raw_worker()
    job_id = engine.add(attempts=1).job_id
    worker.finish(worker.take(), "failed", error("first"))
    job = engine.store.retry(QUEUE, job_id, "ada")
    assert (job.id, job.state, job.attempt, len(job.errors)) == (job_id, State.WAITING, 0, 1)
    assert worker.take().attempt == 1
    assert [e.event for e in engine.store.events(job_id)] == ["waiting", "active", "failed", "retried", "active"]


def forgotten(engine: Engine, state: str = "failed", **options: Any) -> Job:
    worker = engine.raw_worker()
    job_id = engine.add(data={"orderId": "o-9"}, attempts=7, priority=4, **options).job_id
    worker.finish(worker.take(), state, error() if state == "failed" else None, keep=1)
    job = engine.store.job(job_id)
    engine.client.delete(engine.prefix + "job:" + job_id)
    engine.client.zrem(engine.prefix + state, job_id)
    engine.client.delete(engine.prefix + "events", engine.prefix + "meta")
    return job


def test_a_failed_job_that_only_the_archive_knows_is_retried(bare_engine: Engine) -> None:
    job = forgotten(bare_engine, deduplication_key="k")
    store = JobStore(bare_engine.client, ArchiveFake(job), SHORT)
    assert store.job(job.id) == job
    again = store.retry(QUEUE, job.id, "ada")
    assert (again.id, again.state, again.data, again.attempts) == (job.id, State.WAITING, {"orderId": "o-9"}, 7)
    assert again.options["priority"] == 4
    assert (again.errors, again.created_at_ms) == (job.errors, job.created_at_ms)
    assert [(one.event, one.fields) for one in bare_engine.stream()] == [("retried", {"by": "ada"})]
    assert bare_engine.add(deduplication_key="k").job_id == job.id


def test_a_forgotten_jobs_retry_names_the_holder_of_its_key(bare_engine: Engine) -> None:
    job = forgotten(bare_engine, deduplication_key="k")
    holder = bare_engine.add(deduplication_key="k")
    with pytest.raises(DeduplicationKeyTaken) as taken:
        JobStore(bare_engine.client, ArchiveFake(job), SHORT).retry(QUEUE, job.id, "ada")
    assert taken.value.holder_id == holder.job_id


def test_a_forgotten_completed_job_can_not_be_retried(bare_engine: Engine) -> None:
    job = forgotten(bare_engine, "completed")
    with pytest.raises(WrongState):
        JobStore(bare_engine.client, ArchiveFake(job), SHORT).retry(QUEUE, job.id, "ada")


def test_too_many_unarchived_events_refuse_new_jobs_and_let_work_go_on(redis_server: RedisServer) -> None:
    engine = Engine(redis_server.url, replace(SHORT, events_max=3))
    engine.add_ids(4)
    with pytest.raises(QueueFull, match="archive"):
        engine.add()
    worker = engine.raw_worker()
    assert worker.finish(worker.take()) == "a"
    engine.close()


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


def test_a_redis_at_its_memory_limit_refuses_jobs_while_workers_still_finish(small_server: RedisServer) -> None:
    engine = Engine(small_server.url)
    worker = engine.raw_worker()
    engine.add_ids(3)
    first = worker.take()
    engine.client.config_set("maxmemory", 1)
    with pytest.raises(QueueFull):
        engine.add()
    with pytest.raises(QueueFull):
        engine.add(deduplication_key="k")
    assert worker.renew(first) == "o"
    assert worker.finish(first, "failed", error()) == "a"
    assert engine.store.retry(QUEUE, first.id, "ada").state is State.WAITING
    second = worker.take()
    assert worker.finish(second) == "a"
    engine.client.config_set("maxmemory", 0)
    assert engine.add().created
    engine.close()


@pytest.mark.parametrize("data", [{"n": 2**70}, {"text": "\ud800"}, {"at": object()}])
def test_data_that_is_no_json_is_refused_by_name(engine: Engine, data: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption) as refused:
        engine.add(data=data)
    assert refused.value.field == "data"
