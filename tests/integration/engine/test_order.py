"""Who runs first: priorities, arrival, delays, pauses, caps and rates."""

from __future__ import annotations

from collections import Counter

from shared.broker import State
from tests.kit.engine import QUEUE, Engine, error
from tests.kit.running import Gate, running


def test_the_most_urgent_of_301_jobs_runs_first(engine: Engine) -> None:
    engine.add_ids(300)
    urgent = engine.add(priority=1).job_id
    assert engine.raw_worker().take().id == urgent
    engine.client.flushall()


def test_jobs_run_by_priority_and_within_one_in_their_order_of_arrival(engine: Engine) -> None:
    ids = {priority: engine.add_ids(3, priority=priority) for priority in (100, 50, 1)}
    default = engine.add().job_id
    taken = [job.id for job in engine.raw_worker().fetch(20)]
    assert taken == [*ids[1], *ids[50], default, *ids[100]]


def test_a_due_job_queues_behind_those_that_wait_already(engine: Engine) -> None:
    late = engine.add(delay_ms=60_000).job_id
    early = engine.add().job_id
    engine.make_due()
    assert [job.id for job in engine.raw_worker().fetch(5)] == [early, late]


def test_a_fetch_says_when_something_is_due(engine: Engine) -> None:
    worker = engine.raw_worker()
    assert worker.fetch() == []
    assert worker.wait_ms == -1
    engine.add(delay_ms=5_000)
    worker.fetch()
    assert 4_000 < worker.wait_ms <= 5_000


def test_a_delay_may_be_a_year(engine: Engine) -> None:
    job_id = engine.add(delay_ms=366 * 86_400_000).job_id
    job = engine.store.job(job_id)
    assert job.due_at_ms == job.created_at_ms + 366 * 86_400_000


def test_a_paused_queue_gives_no_job_to_anybody_until_it_is_resumed(engine: Engine) -> None:
    one, other = engine.raw_worker(), engine.raw_worker()
    engine.add_ids(2)
    running_job = one.take()
    assert engine.store.pause(QUEUE, "ada", "provider down")
    assert not engine.store.pause(QUEUE, "bob", "still down")

    assert one.fetch() == other.fetch() == []
    assert one.finish(running_job) == "a"
    stats = engine.store.queue_stats(QUEUE)
    assert stats.is_paused
    assert stats.pause is not None
    assert (stats.pause.by, stats.pause.why, stats.pause.until_ms) == ("bob", "still down", None)

    assert engine.store.resume(QUEUE, "ada")
    assert not engine.store.resume(QUEUE, "ada")
    assert len(other.fetch()) == 1
    assert engine.events() == ["paused", "paused", "resumed"]


def test_a_pause_ends_by_itself_at_its_time(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add()
    engine.store.pause(QUEUE, "ada", until_ms=engine.now_ms() + 60_000)
    assert worker.fetch() == []
    assert 50_000 < worker.wait_ms <= 60_000
    engine.store.pause(QUEUE, "ada", until_ms=engine.now_ms() - 1)
    assert not engine.store.queue_stats(QUEUE).is_paused
    assert len(worker.fetch()) == 1
    assert engine.stream()[-2].fields == {"by": "timer"}


def test_a_blocked_worker_resumes_by_itself_when_the_pause_ends(engine: Engine) -> None:
    with running(engine, {"order": lambda **_: None}):
        engine.store.pause(QUEUE, "ada", until_ms=engine.now_ms() + 300)
        job_id = engine.add().job_id
        started = engine.await_event("active", job_id)
        resumed = engine.await_event("resumed")
    assert started.at_ms - resumed.at_ms < 5_000


def test_a_cap_holds_over_all_replicas(engine: Engine) -> None:
    gate = Gate()
    engine.store.set_limits(QUEUE, cap=3)
    with running(engine, {"order": lambda **_: gate.hold()}), running(engine, {"order": lambda **_: gate.hold()}):
        engine.add_ids(8)
        gate.await_arrival(3)
        assert engine.store.queue_stats(QUEUE).active == 3
        gate.open()
        engine.await_event("completed", count=8)
    active = most = 0
    for one in engine.stream():
        active += (one.event == "active") - (one.event == "completed")
        most = max(most, active)
    assert most == 3


def test_a_cap_taken_away_lets_everybody_run(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.store.set_limits(QUEUE, cap=1)
    engine.add_ids(4)
    assert len(worker.fetch(4)) == 1
    engine.store.set_limits(QUEUE)
    assert worker.fetch(4) == []
    engine.store.set_limits(QUEUE, cap=None)
    assert len(worker.fetch(4)) == 3


def test_a_rate_holds_in_every_window_over_two_workers(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, rate=(40, 400))
    with running(engine, {"order": lambda **_: None}), running(engine, {"order": lambda **_: None}):
        engine.add_ids(60)
        engine.await_event("completed", count=60)
    starts = [one.at_ms for one in engine.stream() if one.event == "active"]
    busiest = max(sum(first <= at < first + 400 for at in starts) for first in starts)
    assert busiest <= 40
    assert starts[-1] - starts[0] < 2_000


def test_finished_jobs_are_kept_by_count_each_outcome_apart(engine: Engine) -> None:
    worker = engine.raw_worker()
    for outcome in ("completed", "failed"):
        for _ in range(5):
            engine.add()
            worker.finish(worker.take(), outcome, error() if outcome == "failed" else None, keep=3)
    stats = engine.store.queue_stats(QUEUE)
    assert (stats.completed, stats.kept, stats.failed) == (5, 3, 3)


def test_a_job_may_be_forgotten_as_soon_as_it_completes(engine: Engine) -> None:
    with running(engine, {"order": lambda **_: {"success": True}}):
        job_id = engine.add(keep_completed=0).job_id
        engine.await_event("completed", job_id)
    assert engine.record(job_id) == {}
    assert engine.store.queue_stats(QUEUE).completed == 1
    # Until the archive has it, its final event answers for it.
    assert engine.store.job(job_id).state is State.COMPLETED


def test_cleaning_removes_by_age_failed_ones_seven_times_later(engine: Engine) -> None:
    worker = engine.raw_worker()
    for outcome in ("completed", "failed"):
        engine.add()
        worker.finish(worker.take(), outcome, error() if outcome == "failed" else None)
    two_hours = -2 * 3_600_000
    for name in ("completed", "failed"):
        engine.shift_scores(name, two_hours)
    assert engine.store.clean(QUEUE, 3).completed == 0
    cleaned = engine.store.clean(QUEUE, 1)
    assert (cleaned.completed, cleaned.failed) == (1, 0)
    engine.shift_scores("failed", 3 * two_hours)
    assert engine.store.clean(QUEUE, 1).failed == 1


def test_a_full_takers_marker_reaches_the_next_worker(engine: Engine) -> None:
    gate = Gate()
    actors = {"order": lambda **_: gate.hold()}
    with running(engine, actors, threads=1), running(engine, actors, threads=1):
        engine.add_ids(2)
        gate.await_arrival(2)
        workers = Counter(one.fields["worker"] for one in engine.stream() if one.event == "active")
        assert list(workers.values()) == [1, 1]
        gate.open()
        engine.await_event("completed", count=2)
