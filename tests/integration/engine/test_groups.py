"""Group limits: a recipient's pace holds back its own jobs and nobody else's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from deploy.local.redis_server import RedisServer
from shared.errors import InvalidOption
from shared.queues import Queue
from tests.kit.agreement import assert_agreement
from tests.kit.engine import Engine
from tests.kit.running import running

QUEUE = Queue.WHATSAPP


@pytest.fixture
def engine(redis_server: RedisServer) -> Iterator[Engine]:
    engine = Engine(redis_server.url, queue=QUEUE)
    yield engine
    assert_agreement(engine)
    engine.close()


def send(engine: Engine, group: str, count: int = 1, **options: int) -> list[str]:
    return [engine.add("message", {"recipient": group}, **options).job_id for _ in range(count)]


def test_a_group_at_its_cap_blocks_nobody_else(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_cap=1)
    a, b = send(engine, "a", 5), send(engine, "b", 1)
    worker = engine.raw_worker()
    assert [job.id for job in worker.fetch(5)] == [a[0], *b]
    assert engine.store.queue_stats(QUEUE).waiting == 4
    assert worker.fetch(5) == []
    worker.finish(worker.held[a[0]])
    assert [job.id for job in worker.fetch(5)] == [a[1]]


def test_groups_take_turns(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_cap=10)
    a, b, c = send(engine, "a", 3), send(engine, "b", 3), send(engine, "c", 1)
    worker = engine.raw_worker()
    order = [worker.take().id for _ in range(7)]
    assert order == [a[0], b[0], c[0], a[1], b[1], a[2], b[2]]


def test_within_a_group_the_most_urgent_runs_first(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_cap=1)
    plain = send(engine, "a", 2)
    urgent = send(engine, "a", 1, priority=1)
    worker = engine.raw_worker()
    order = []
    for _ in range(3):
        job = worker.take()
        order.append(job.id)
        worker.finish(job)
    assert order == [*urgent, *plain]


def test_a_groups_rate_spaces_its_jobs_and_a_worker_wakes_for_the_next(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_rate=(1, 150))
    with running(engine, {"message": lambda **_: None}):
        send(engine, "a", 4)
        others = send(engine, "b", 1)
        engine.await_event("completed", count=5)
    starts = [one.at_ms for one in engine.stream() if one.event == "active" and one.job not in others]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    # The clock that names stream entries may be a millisecond beside the script's.
    assert all(149 <= gap < 600 for gap in gaps), gaps
    assert not [one for one in engine.stream() if one.event == "released"]


def test_limits_taken_away_let_parked_jobs_run(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_cap=1)
    send(engine, "a", 6)
    worker = engine.raw_worker()
    worker.take()
    engine.store.set_limits(QUEUE, group_cap=None)
    assert len(worker.fetch(10)) == 5
    assert engine.size("groups") == 0


def test_a_limit_set_later_counts_what_runs_already(engine: Engine) -> None:
    first = send(engine, "a", 3)
    worker = engine.raw_worker()
    running_job = worker.take()
    engine.store.set_limits(QUEUE, group_cap=1)
    assert worker.fetch(5) == []
    worker.finish(running_job)
    assert [job.id for job in worker.fetch(5)] == [first[1]]


def test_a_cap_raised_lets_more_run(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_cap=1)
    send(engine, "a", 4)
    worker = engine.raw_worker()
    assert len(worker.fetch(4)) == 1
    engine.store.set_limits(QUEUE, group_cap=3)
    assert len([job for _ in range(4) for job in worker.fetch(1)]) == 2


@pytest.mark.parametrize("place", [0, 1, 2], ids=["exposed", "parked", "last"])
def test_a_cancelled_job_leaves_its_group_to_the_others(engine: Engine, place: int) -> None:
    engine.store.set_limits(QUEUE, group_cap=1)
    ids = send(engine, "a", 3)
    engine.store.cancel(ids[place], "ada")
    assert_agreement(engine)
    worker = engine.raw_worker()
    left = [job_id for i, job_id in enumerate(ids) if i != place]
    for job_id in left:
        job = worker.take()
        assert job.id == job_id
        worker.finish(job)


@pytest.mark.parametrize("outcome", ["completed", "failed", "delayed", "released", "parked", "cancelled"])
def test_every_way_out_opens_the_group(engine: Engine, outcome: str) -> None:
    engine.store.set_limits(QUEUE, group_cap=1)
    ids = send(engine, "a", 2)
    worker = engine.raw_worker()
    worker.finish(worker.take(), outcome, None, 60_000)
    assert worker.take().id == ids[1]


def test_a_stall_opens_the_group(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_cap=1)
    ids = send(engine, "a", 2)
    engine.raw_worker().take()
    engine.expire_leases()
    engine.sweep()
    assert engine.raw_worker().take().id == ids[0]  # alone, first in line
    assert engine.raw_worker().fetch() == []


def test_a_group_that_is_done_leaves_nothing_behind(engine: Engine) -> None:
    engine.store.set_limits(QUEUE, group_cap=1)
    worker = engine.raw_worker()
    send(engine, "a", 2)
    for _ in range(2):
        worker.finish(worker.take())
    assert engine.client.keys(engine.prefix + "group:*") == []
    assert engine.client.keys(engine.prefix + "parked:*") == []


@pytest.mark.parametrize("limit", ["cap", "group_cap"])
def test_a_cap_of_zero_is_refused_with_the_way_to_stop_a_queue(engine: Engine, limit: str) -> None:
    with pytest.raises(InvalidOption, match="pause the queue"):
        engine.store.set_limits(QUEUE, **{limit: 0})
