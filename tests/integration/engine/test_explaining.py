"""Every reason why a job is not running is found, with the facts that it stands on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from deploy.local.redis_server import RedisServer
from shared.broker.options import DeduplicationMode
from shared.errors import JobNotFound
from shared.explaining import Code, Explanation, explain
from shared.queues import Queue
from tests.kit.agreement import assert_agreement
from tests.kit.engine import Engine, RawWorker, error

QUEUE = Queue.WHATSAPP


@pytest.fixture
def engine(redis_server: RedisServer) -> Iterator[Engine]:
    engine = Engine(redis_server.url, queue=QUEUE)
    yield engine
    assert_agreement(engine)
    engine.close()


def send(engine: Engine, group: str = "a", **options: Any) -> str:
    return engine.add("message", {"recipient": group}, **options).job_id


def why(engine: Engine, job_id: str) -> Explanation:
    return explain(engine.scripts, engine.store, job_id)


def codes(engine: Engine, job_id: str) -> list[Code]:
    return [reason.code for reason in why(engine, job_id).reasons]


def details(engine: Engine, job_id: str, code: Code) -> dict[str, Any]:
    (found,) = [reason for reason in why(engine, job_id).reasons if reason.code is code]
    assert found.message.endswith("."), found.message
    return found.details


def alive(engine: Engine, threads: int = 5, **more: Any) -> RawWorker:
    """A worker that has told of itself."""
    worker = engine.raw_worker()
    description = orjson.dumps({"threads": threads, **more})
    engine.scripts.run("renew", QUEUE.value, (worker.id, worker.lease_ms, description, 60_000, 0))
    return worker


def test_a_job_that_nothing_stops_is_next(engine: Engine) -> None:
    alive(engine)
    job = send(engine)
    found = why(engine, job)
    assert [reason.code for reason in found.reasons] == [Code.NEXT]
    assert found.position == 1
    assert found.starts_at_ms is not None
    assert abs(found.starts_at_ms - engine.now_ms()) < 5_000


def test_a_paused_queue_names_who_why_and_until_when(engine: Engine) -> None:
    alive(engine)
    job, until = send(engine), engine.now_ms() + 60_000
    engine.store.pause(QUEUE, "asha", "provider maintenance", until)
    found = details(engine, job, Code.PAUSED)
    assert (found["by"], found["reason"], found["until_at_ms"]) == ("asha", "provider maintenance", until)
    assert why(engine, job).starts_at_ms == until
    engine.store.pause(QUEUE, "asha", "for good")
    assert why(engine, job).starts_at_ms is None
    engine.store.resume(QUEUE, "asha")
    assert codes(engine, job) == [Code.NEXT]


def test_without_a_worker_nobody_takes_it(engine: Engine) -> None:
    job = send(engine)
    assert codes(engine, job) == [Code.NO_WORKER]
    assert why(engine, job).starts_at_ms is None


def test_workers_that_are_all_quiet_are_not_counted_on(engine: Engine) -> None:
    alive(engine, state="quiet")
    job = send(engine)
    assert details(engine, job, Code.WORKERS_QUIET) == {"workers": 1, "quiet": 1}
    assert why(engine, job).starts_at_ms is None


def test_busy_threads_are_counted(engine: Engine) -> None:
    worker = alive(engine, threads=1)
    send(engine, "b")
    worker.take()
    job = send(engine)
    assert details(engine, job, Code.WORKERS_BUSY) == {"running": 1, "threads": 1}


def test_the_rate_of_the_queue_says_when_the_next_may_start(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, rate=(1, 60_000))
    worker = alive(engine)
    send(engine, "b")
    worker.take()
    job = send(engine)
    assert worker.fetch() == []
    until = details(engine, job, Code.QUEUE_RATE)["until_at_ms"]
    assert abs(until - (engine.now_ms() + worker.wait_ms)) < 2_000
    assert why(engine, job).starts_at_ms == until


def test_the_cap_of_the_queue_is_named(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, cap=1)
    worker = alive(engine)
    send(engine, "b")
    worker.take()
    assert details(engine, send(engine), Code.QUEUE_CONCURRENCY) == {"running": 1, "limit": 1}


def test_a_full_group_says_how_many_come_first(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_cap=1)
    worker = alive(engine)
    send(engine)
    worker.take()
    send(engine)
    job = send(engine)
    found = details(engine, job, Code.GROUP_CONCURRENCY)
    assert (found["group"], found["before"], found["running"], found["parked"]) == ("a", 1, 1, 2)
    assert why(engine, job).position is None


def test_the_rate_of_a_group_says_when_it_opens(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_rate=(1, 60_000))
    worker = alive(engine)
    send(engine)
    worker.take()
    first, second = send(engine), send(engine)
    until = details(engine, first, Code.GROUP_RATE)["until_at_ms"]
    assert 50_000 < until - engine.now_ms() <= 60_001
    starts = why(engine, first).starts_at_ms
    later = why(engine, second).starts_at_ms
    assert starts is not None
    assert later is not None
    assert abs(later - starts - 60_000) < 10


def test_a_group_takes_turns(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_cap=5)
    alive(engine)
    first, second = send(engine), send(engine)
    assert codes(engine, first) == [Code.NEXT]
    assert details(engine, second, Code.GROUP_TURN)["in_line"] == first


def test_jobs_before_it_are_counted(engine: Engine) -> None:
    alive(engine)
    jobs = [send(engine) for _ in range(4)]
    urgent = send(engine, priority=1)
    assert details(engine, jobs[3], Code.BEHIND) == {"jobs": 4}
    assert why(engine, jobs[3]).position == 5
    assert why(engine, urgent).position == 1


def test_the_estimate_follows_what_the_last_jobs_took(engine: Engine) -> None:
    worker = alive(engine, threads=2)
    for _ in range(3):
        send(engine)
        job = worker.take()
        engine.client.hincrby(engine.prefix + "job:" + job.id, "started", -10_000)
        worker.finish(job)
    send(engine, "b")
    worker.take()
    jobs = [send(engine) for _ in range(5)]
    starts = why(engine, jobs[4]).starts_at_ms
    assert starts is not None
    assert 24_000 < starts - engine.now_ms() < 26_000
    assert "mean of the last 3" in why(engine, jobs[4]).estimate


def test_a_stalled_job_runs_alone(engine: Engine) -> None:
    worker = alive(engine)
    job = send(engine)
    worker.take()
    engine.expire_leases()
    assert Code.LEASE_OVER in codes(engine, job)
    engine.sweep()
    assert details(engine, job, Code.RUNS_ALONE) == {"stalls": 1}


def test_a_delay_a_backoff_and_a_release_are_told_apart(engine: Engine) -> None:
    worker = alive(engine)
    job = send(engine, delay_ms=60_000)
    assert codes(engine, job) == [Code.DELAYED]
    engine.store.promote(job, "asha")
    worker.finish(worker.take(), "delayed", {**error(), "attempt": 1, "at": engine.now_ms()}, 60_000)
    found = details(engine, job, Code.RETRY)
    assert (found["attempt"], found["attempts"], found["error"]) == (1, 3, "ValueError")
    engine.store.promote(job, "asha")
    engine.client.hset(engine.prefix + "job:" + job, "errors", b'{"type":"ValueError","attempt":1,"at":1}')
    worker.finish(worker.take(), "released", None, 60_000)
    assert codes(engine, job) == [Code.RELEASED]


def test_a_follow_up_names_the_job_that_holds_its_key(engine: Engine) -> None:
    worker = alive(engine)
    options = {"deduplication_key": "k", "deduplication_mode": DeduplicationMode.REPLACE}
    holder = send(engine, **options)
    worker.take()
    follower = send(engine, **options)
    assert details(engine, follower, Code.DEDUPLICATION) == {"blocked_by": [holder], "blocker_state": "active"}


def test_a_running_job_says_since_when_and_where_and_whether_it_was_cancelled(engine: Engine) -> None:
    worker = alive(engine)
    job = send(engine)
    worker.take()
    assert details(engine, job, Code.RUNNING)["worker"] == worker.id
    engine.store.cancel(job, "asha")
    assert codes(engine, job) == [Code.RUNNING, Code.CANCELLING]


@pytest.mark.parametrize(("outcome", "code"), [("completed", Code.COMPLETED), ("failed", Code.FAILED)])
def test_an_ended_job_says_how(engine: Engine, outcome: str, code: Code) -> None:
    worker = alive(engine)
    job = send(engine)
    worker.finish(worker.take(), outcome, {**error(), "attempt": 1} if code is Code.FAILED else {})
    assert codes(engine, job) == [code]
    other = send(engine)
    engine.store.cancel(other, "asha")
    assert codes(engine, other) == [Code.CANCELLED]


def test_an_unknown_job_is_not_explained(engine: Engine) -> None:
    for job_id in ("whatsapp-nothing", "nothing"):
        with pytest.raises(JobNotFound):
            why(engine, job_id)
