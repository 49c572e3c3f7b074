"""One busy group holds up nobody: groups take turns, and each user has a limit of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from deploy.local.redis_server import RedisServer
from shared.queues import Queue
from tests.kit.agreement import assert_agreement
from tests.kit.engine import Engine
from tests.kit.running import running

BIG, SMALL, GROUPS = 10_000, 10, 99
THREADS = 8
PATIENCE_S = 120.0
QUEUE = Queue.REPORT_GENERATION


@pytest.fixture
def engine(redis_server: RedisServer) -> Iterator[Engine]:
    engine = Engine(redis_server.url, queue=QUEUE)
    yield engine
    engine.broker.flush(QUEUE.value)
    engine.close()


def enqueue(engine: Engine, user: str, count: int) -> None:
    jobs = [engine.job("report", {"userId": user}, keep_completed=0) for _ in range(count)]
    for start in range(0, count, 1_000):
        engine.broker.add_many(jobs[start : start + 1_000])


def jobs_run_until_the_small_groups_are_done(engine: Engine, busy: int) -> tuple[int, float]:
    """How many jobs, and how many seconds, it takes until each of the 99 groups has run its ten."""
    enqueue(engine, "busy", busy)
    for number in range(GROUPS):
        enqueue(engine, f"small-{number}", SMALL)
    run: list[str] = []

    def report(**data: str) -> None:
        run.append(data["userId"])

    with running(engine, {"report": report}, threads=THREADS):
        started = time.monotonic()
        while sum(user != "busy" for user in run) < GROUPS * SMALL:
            assert time.monotonic() - started < PATIENCE_S, f"only {len(run)} jobs ran"
            time.sleep(0.01)
        seconds = time.monotonic() - started
    last = max(place for place, user in enumerate(run) if user != "busy")
    engine.broker.flush(QUEUE.value)
    return last + 1, seconds


@pytest.mark.slow
def test_ninety_nine_small_groups_finish_beside_a_busy_one_as_if_alone(engine: Engine) -> None:
    for busy in (0, BIG):
        engine.store.set_limits(QUEUE, group_cap=THREADS)
        jobs, seconds = jobs_run_until_the_small_groups_are_done(engine, busy)
        print(f"{busy} jobs of the busy group: {jobs} jobs, {seconds:.2f} s")  # noqa: T201 - the figure of the run
        # Jobs are counted, not seconds: how fast the machine runs them is not what is shown here.
        assert GROUPS * SMALL <= jobs <= 2 * GROUPS * SMALL


def test_a_users_limit_holds_back_that_users_jobs_only_and_uses_no_attempt(engine: Engine) -> None:
    engine.store.limits.set_by_operator(QUEUE, {"groupConcurrency": 1})
    for user, count in (("asha", 5), ("bina", 2), ("chandra", 1)):
        enqueue(engine, user, count)
    worker = engine.raw_worker()
    first = worker.fetch(10)
    assert [b'"userId":"asha"' in job.message for job in first] == [True, False, False]
    assert worker.fetch(10) == []
    assert engine.store.queue_stats(QUEUE).waiting == 5
    worker.finish(first[0])
    (second,) = worker.fetch(10)
    assert b'"userId":"asha"' in second.message
    assert second.attempt == 1
    assert not [one for one in engine.stream() if one.event == "released"]
    assert_agreement(engine)


def test_a_users_rate_spaces_that_users_jobs_only(engine: Engine) -> None:
    engine.store.limits.set_by_operator(QUEUE, {"groupRate": "1/h"})
    enqueue(engine, "asha", 3)
    enqueue(engine, "bina", 3)
    worker = engine.raw_worker()
    assert len(worker.fetch(10)) == 2
    assert worker.fetch(10) == []
    assert engine.store.queue_stats(QUEUE).limited.groups == 2
