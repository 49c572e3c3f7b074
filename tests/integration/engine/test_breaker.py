"""The circuit breaker: a provider that fails in bursts holds its queue, probes let it go again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.redis_server import RedisServer
from shared.explaining import Code, explain
from shared.job_records import BreakerState
from shared.queues import Breaker, Queue
from tests.kit.agreement import assert_agreement
from tests.kit.engine import Engine, RawWorker, error

QUEUE = Queue.WHATSAPP
BREAKER = Breaker(calls=4, percent=50, window_ms=60_000, cooldown_ms=20_000, longest_cooldown_ms=50_000)


@pytest.fixture
def engine(redis_server: RedisServer) -> Iterator[Engine]:
    engine = Engine(redis_server.url, queue=QUEUE)
    yield engine
    assert_agreement(engine)
    engine.close()


def a_worker(engine: Engine) -> RawWorker:
    worker = engine.raw_worker()
    worker.breaker = BREAKER
    return worker


def call(engine: Engine, worker: RawWorker, *, fails: bool) -> str:
    """One job from its beginning to the end of its call; the status of its finish."""
    engine.add("message", {"recipient": "a"})
    job = worker.take()
    if fails:
        return worker.finish(job, "delayed", error("no answer"), 2_000, called="-")
    return worker.finish(job, called="+")


def opened(engine: Engine) -> RawWorker:
    """A worker whose provider has just failed so often that the breaker opened."""
    worker = a_worker(engine)
    for _ in range(BREAKER.calls):
        call(engine, worker, fails=True)
    assert state(engine) == "open"
    return worker


def breaker(engine: Engine) -> BreakerState:
    return engine.store.queue_stats(QUEUE).breaker


def state(engine: Engine) -> str:
    return breaker(engine).state


def let_cool(engine: Engine) -> None:
    """The cool-down is over: what a test does instead of waiting."""
    engine.client.hset(engine.prefix + "meta", "breaker_probe_at", 1)


def test_a_burst_of_failures_pauses_the_queue_with_the_reason(engine: Engine) -> None:
    worker = a_worker(engine)
    assert [call(engine, worker, fails=fails) for fails in (False, True, False)] == ["a", "a", "a"]
    assert state(engine) == "closed"
    assert call(engine, worker, fails=True) == "b"
    assert worker.news.startswith("opened|2 of 4 calls to the provider failed within 60 s: no answer")
    found = breaker(engine)
    assert (found.state, found.opened, found.why) == ("open", 1, worker.news.removeprefix("opened|"))
    assert found.next_probe_at_ms is not None
    assert abs(found.next_probe_at_ms - engine.now_ms() - BREAKER.cooldown_ms) < 5_000
    pause = engine.store.queue_stats(QUEUE).pause
    assert pause is not None
    assert (pause.by, pause.why) == ("breaker", found.why)
    paused = [one for one in engine.stream() if one.event == "paused"]
    assert [(one.fields["by"], one.fields["why"]) for one in paused] == [("breaker", found.why)]


def test_nobody_takes_a_job_while_it_is_open_and_workers_know_when_to_look_again(engine: Engine) -> None:
    worker = opened(engine)
    assert worker.fetch(5) == []
    assert 0 < worker.wait_ms <= BREAKER.cooldown_ms
    assert a_worker(engine).fetch(5) == []


def test_a_job_that_fails_because_of_it_goes_back_without_an_attempt(engine: Engine) -> None:
    worker = a_worker(engine)
    for _ in range(4):
        engine.add("message", {"recipient": "a"}, attempts=1)
    jobs = [worker.take() for _ in range(4)]
    statuses = [worker.finish(job, "failed", error(), called="-") for job in jobs]
    assert statuses == ["a", "a", "a", "b"]
    assert [engine.state(job.id) for job in jobs] == ["failed", "failed", "failed", "waiting"]
    last = engine.record(jobs[3].id)
    assert last["attempt"] == "0"
    assert "boom" in last["errors"]
    assert engine.events(jobs[3].id) == ["waiting", "active", "released"]


def test_a_failure_that_is_not_the_providers_goes_its_usual_way(engine: Engine) -> None:
    worker = a_worker(engine)
    jobs = []
    for _ in range(5):
        engine.add("message", {"recipient": "a"})
    jobs = [worker.take() for _ in range(5)]
    for job in jobs[:4]:
        worker.finish(job, "delayed", error(), 2_000, called="-")
    assert worker.finish(jobs[4], "failed", error(), called=".") == "a"
    assert engine.state(jobs[4].id) == "failed"


def test_a_slow_trickle_of_failures_does_not_open_it(engine: Engine) -> None:
    worker = a_worker(engine)
    for _ in range(12):
        call(engine, worker, fails=True)
        # Half a minute passes between two calls.
        at = engine.client.hget(engine.prefix + "breaker", "at")
        engine.client.hset(engine.prefix + "breaker", "at", int(at) - 30_000)
    assert state(engine) == "closed"


def test_few_failures_among_many_calls_do_not_open_it(engine: Engine) -> None:
    worker = a_worker(engine)
    for n in range(30):
        call(engine, worker, fails=n % 3 == 2)
    assert state(engine) == "closed"


def test_a_repeated_report_is_counted_once(engine: Engine) -> None:
    worker = a_worker(engine)
    engine.add("message", {"recipient": "a"})
    job = worker.take()
    statuses = [worker.finish(job, "delayed", error(), 2_000, called="-") for _ in range(6)]
    assert statuses == ["a", "d", "d", "d", "d", "d"]
    assert state(engine) == "closed"


def test_one_probe_at_a_time_goes_through_and_its_success_resumes_the_queue(engine: Engine) -> None:
    worker, other = opened(engine), a_worker(engine)
    engine.add_ids(3, attempts=1)
    let_cool(engine)
    (probe,) = worker.fetch(5)
    assert state(engine) == "probing"
    assert worker.fetch(5) == []
    assert other.fetch(5) == []
    assert worker.finish(probe, called="+") == "a"
    assert worker.news == "closed|a probe succeeded"
    assert state(engine) == "closed"
    assert engine.store.queue_stats(QUEUE).pause is None
    assert [one.fields["by"] for one in engine.stream() if one.event == "resumed"] == ["breaker"]
    assert len(other.fetch(2)) == 2


def test_a_failed_probe_waits_twice_as_long_up_to_the_longest_and_another_job_is_the_next(engine: Engine) -> None:
    worker = opened(engine)
    waiting = [engine.add("message", {"recipient": "a"}).job_id for _ in range(2)]
    probes = []
    for cooldown_ms in (40_000, 50_000, 50_000):
        let_cool(engine)
        probe = worker.take()
        probes.append(probe.id)
        assert worker.finish(probe, "failed", error("still away"), called="-") == "b"
        assert worker.news == "reopened|the probe failed: still away"
        at = breaker(engine).next_probe_at_ms
        assert at is not None
        assert abs(at - engine.now_ms() - cooldown_ms) < 5_000
    assert set(waiting) < set(probes)
    assert len(set(probes)) == 3
    assert breaker(engine).opened == 1


def test_a_probe_whose_worker_is_killed_leaves_the_way_to_the_next_one(engine: Engine) -> None:
    worker, other = opened(engine), a_worker(engine)
    engine.add_ids(2)
    let_cool(engine)
    probe = worker.take()
    assert other.fetch() == []
    engine.expire_leases()
    engine.sweep()
    assert worker.finish(probe, called="+") == "l"
    assert state(engine) == "probing"
    again = other.take()
    assert (again.id, again.stalls) == (probe.id, 1)
    assert other.finish(again, called="+") == "a"
    assert state(engine) == "closed"


def test_a_probe_that_calls_nobody_decides_nothing(engine: Engine) -> None:
    worker = opened(engine)
    engine.add_ids(2)
    let_cool(engine)
    worker.finish(worker.take(), called=".")
    assert state(engine) == "probing"
    assert len(worker.fetch(5)) == 1


def test_a_call_that_began_before_it_opened_does_not_close_it(engine: Engine) -> None:
    worker = a_worker(engine)
    engine.add("message", {"recipient": "slow"})
    slow = worker.take()
    for _ in range(4):
        call(engine, worker, fails=True)
    assert worker.finish(slow, called="+") == "a"
    assert state(engine) == "open"


def test_a_persons_pause_is_never_lifted_by_it(engine: Engine) -> None:
    worker = opened(engine)
    engine.add_ids(2)
    let_cool(engine)
    probe = worker.take()
    engine.store.pause(QUEUE, "asha", "maintenance")
    worker.finish(probe, called="+")
    stats = engine.store.queue_stats(QUEUE)
    assert stats.breaker.state == "closed"
    assert stats.pause is not None
    assert stats.pause.by == "asha"
    assert worker.fetch() == []


def test_no_probe_goes_through_a_persons_pause(engine: Engine) -> None:
    worker = opened(engine)
    engine.store.pause(QUEUE, "asha", "maintenance")
    let_cool(engine)
    assert worker.fetch() == []
    assert state(engine) == "open"


def test_a_persons_resume_closes_it(engine: Engine) -> None:
    worker = opened(engine)
    engine.add_ids(3)
    assert engine.store.resume(QUEUE, "asha", "the provider says that it is back")
    assert state(engine) == "closed"
    assert len(worker.fetch(3)) == 3
    assert not engine.store.resume(QUEUE, "asha")


def test_closing_it_leaves_a_persons_pause(engine: Engine) -> None:
    worker = opened(engine)
    engine.store.pause(QUEUE, "asha", "maintenance")
    assert engine.store.close_breaker(QUEUE, "bina")
    assert not engine.store.close_breaker(QUEUE, "bina")
    assert state(engine) == "closed"
    assert worker.fetch() == []


def test_it_survives_a_restart_of_redis(engine: Engine, redis_server: RedisServer) -> None:
    worker = opened(engine)
    redis_server.restart()
    engine.client.connection_pool.disconnect()
    assert state(engine) == "open"
    let_cool(engine)
    engine.add("message", {"recipient": "a"})
    worker.finish(worker.take(), called="+")
    assert state(engine) == "closed"


def test_a_waiting_job_is_told_of_it(engine: Engine) -> None:
    opened(engine)
    job = engine.add("message", {"recipient": "a"}).job_id
    found = explain(engine.scripts, engine.store, job)
    (reason,) = [each for each in found.reasons if each.code is Code.BREAKER_OPEN]
    assert reason.details["next_probe_at_ms"] == breaker(engine).next_probe_at_ms
    assert Code.PAUSED not in [each.code for each in found.reasons]
