"""What the requirement says of order, delay and retention, and the limits that operators set, on a real Redis."""

from __future__ import annotations

from shared.broker import State
from tests.kit.engine import Engine


def test_the_most_urgent_job_of_the_whole_queue_runs_first(engine: Engine) -> None:
    late = engine.add(priority=100).job_id
    usual = [engine.add().job_id, engine.add(priority=50).job_id]
    urgent = engine.add(priority=1).job_id

    taken = engine.raw_worker().fetch(room=4)

    assert [job.id for job in taken] == [urgent, *usual, late]


def test_a_delayed_job_runs_when_it_is_due_and_not_before(engine: Engine) -> None:
    job_id = engine.add(delay_ms=5_000).job_id
    worker = engine.raw_worker()
    early = worker.fetch()
    assert 0 < worker.wait_ms <= 5_000

    engine.make_due()

    assert early == []
    assert worker.take().id == job_id


def test_a_short_delay_does_not_wait_behind_long_ones(engine: Engine) -> None:
    engine.add_ids(50, delay_ms=3_600_000)
    soon = engine.add(delay_ms=2_000).job_id
    engine.shift_scores("delayed", -2_000)

    assert [job.id for job in engine.raw_worker().fetch(room=5)] == [soon]


def test_only_the_newest_completed_jobs_are_kept(engine: Engine) -> None:
    ids = engine.add_ids(5)
    worker = engine.raw_worker()
    *earlier, last = worker.fetch(room=5)
    for job in earlier:
        worker.finish(job)
    engine.shift_scores("completed", -1_000)

    worker.finish(last, keep=1)

    assert {job_id for job_id in ids if engine.state(job_id)} == {last.id}
    assert engine.store.queue_stats(engine.queue).completed == 5


def test_a_cap_holds_over_all_workers_until_it_is_taken_away(engine: Engine) -> None:
    engine.add_ids(5)
    engine.store.set_limits(engine.queue, cap=2)
    first, second = engine.raw_worker(), engine.raw_worker()

    assert (len(first.fetch(room=3)), len(second.fetch(room=3))) == (2, 0)

    engine.store.set_limits(engine.queue, cap=None)
    assert len(second.fetch(room=3)) == 3


def test_a_rate_lets_no_window_hold_more_than_its_number(engine: Engine) -> None:
    engine.add_ids(5)
    engine.store.set_limits(engine.queue, rate=(1, 60_000))
    worker = engine.raw_worker()

    assert len(worker.fetch(room=5)) == 1
    assert worker.fetch(room=4) == []
    assert 50_000 < worker.wait_ms <= 60_000


def test_a_removed_limit_changes_no_job(engine: Engine) -> None:
    (job_id,) = engine.add_ids(1)
    engine.store.set_limits(engine.queue, cap=1)
    engine.store.set_limits(engine.queue, cap=None)

    assert engine.store.job(job_id).state is State.WAITING
