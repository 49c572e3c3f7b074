"""What operators see of workers and tell them: quiet, resume, stop; and when a worker is gone from the list."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from shared.broker import EngineConfig, keys
from shared.broker.states import WorkerState
from shared.errors import WorkerNotFound, WrongState
from shared.worker_control import Order, WorkerControl, WorkerInfo
from tests.kit.engine import PATIENCE_S, QUEUE, Engine
from tests.kit.running import Gate, running

SLOW_BEAT = EngineConfig(lease_ms=60_000, sweep_interval_ms=200, shutdown_grace_ms=300)
"""Renews every 20 s: what happens within a test doesn't wait for the next sign of life."""


@pytest.fixture
def control(engine: Engine) -> WorkerControl:
    return WorkerControl(engine.client)


def await_worker(control: WorkerControl, condition: Callable[[WorkerInfo], bool]) -> WorkerInfo:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = [worker for worker in control.workers() if condition(worker)]
        if found:
            return found[0]
        assert time.monotonic() < deadline, control.workers()
        time.sleep(0.01)


def is_in(state: WorkerState) -> Callable[[WorkerInfo], bool]:
    return lambda worker: worker.state is state


def test_a_worker_is_listed_with_what_it_is_and_runs(engine: Engine, control: WorkerControl) -> None:
    gate = Gate()
    with running(engine, {"order": lambda **_: gate.hold()}, threads=3) as broker:
        job_id = engine.add().job_id
        gate.await_arrival()
        worker = await_worker(control, lambda worker: bool(worker.running))
        gate.open()

        assert (worker.id, worker.queue, worker.pid, worker.threads) == (broker.worker_id, QUEUE, os.getpid(), 3)
        assert (worker.state, worker.order) == (WorkerState.RUNNING, None)
        assert worker.memory_bytes > 10_000_000
        assert abs(worker.seen_at_ms - engine.now_ms()) < 10_000
        assert worker.started_at_ms == broker.started_at_ms
        (job,) = worker.running
        assert (job.id, job.name, job.attempt) == (job_id, "order", 1)
        assert job.started_at_ms == engine.await_event("active", job_id).at_ms
        engine.await_event("completed", job_id)


def test_a_quiet_worker_finishes_what_it_runs_and_takes_nothing_until_it_is_resumed(
    engine: Engine, control: WorkerControl
) -> None:
    gate = Gate()
    with running(engine, {"order": lambda **_: gate.hold()}, config=SLOW_BEAT) as broker:
        running_id = engine.add().job_id
        gate.await_arrival()

        control.direct(broker.worker_id, Order.QUIET, "ada", "looks strange")
        assert await_worker(control, is_in(WorkerState.QUIET)).order is Order.QUIET
        waiting_id = engine.add().job_id
        gate.open()
        engine.await_event("completed", running_id)
        time.sleep(0.3)  # it would take the next one within milliseconds
        assert engine.state(waiting_id) == "waiting"

        control.direct(broker.worker_id, Order.RESUME, "ada")
        engine.await_event("completed", waiting_id)
        assert await_worker(control, is_in(WorkerState.RUNNING)).order is None
    directed = [one.fields for one in engine.stream() if one.event == "directed"]
    assert [(one["order"], one["by"], one["why"]) for one in directed] == [
        ("quiet", "ada", "looks strange"),
        ("resume", "ada", ""),
    ]


def test_an_order_whose_call_got_lost_is_obeyed_with_the_next_sign_of_life(
    engine: Engine, control: WorkerControl
) -> None:
    with running(engine, {"order": lambda **_: None}) as broker:
        await_worker(control, is_in(WorkerState.RUNNING))
        engine.client.hset(keys.orders(QUEUE), broker.worker_id, "quiet")

        await_worker(control, is_in(WorkerState.QUIET))


def test_the_jobs_of_a_quiet_worker_go_to_the_others(engine: Engine, control: WorkerControl) -> None:
    with (
        running(engine, {"order": lambda **_: None}) as quiet,
        running(engine, {"order": lambda **_: None}) as other,
    ):
        await_worker(control, lambda worker: worker.id == quiet.worker_id)
        control.direct(quiet.worker_id, Order.QUIET, "ada")
        await_worker(control, is_in(WorkerState.QUIET))
        ids = engine.add_ids(50)
        for job_id in ids:
            assert engine.await_event("completed", job_id).fields["worker"] == other.worker_id


def test_a_worker_that_ended_is_gone_from_the_list_at_once(engine: Engine, control: WorkerControl) -> None:
    with running(engine, {"order": lambda **_: None}, config=SLOW_BEAT) as broker:
        await_worker(control, is_in(WorkerState.RUNNING))
        control.direct(broker.worker_id, Order.QUIET, "ada")
        await_worker(control, is_in(WorkerState.QUIET))

    assert control.workers() == []
    assert engine.client.exists(keys.descriptions(QUEUE), keys.orders(QUEUE), keys.workers_alive(QUEUE)) == 0


def test_a_worker_that_died_is_gone_when_its_sign_of_life_runs_out(engine: Engine, control: WorkerControl) -> None:
    raw = engine.raw_worker()
    raw.renew()
    control.direct(raw.id, Order.QUIET, "ada")
    engine.shift_scores("alive", -100_000)

    assert control.workers() == []
    with pytest.raises(WorkerNotFound):
        control.direct(raw.id, Order.RESUME, "ada")
    engine.sweep()
    assert engine.client.exists(keys.descriptions(QUEUE), keys.orders(QUEUE)) == 0


def test_a_worker_that_was_told_to_stop_takes_no_other_order(engine: Engine, control: WorkerControl) -> None:
    raw = engine.raw_worker()
    raw.renew()
    control.direct(raw.id, Order.STOP, "ada")

    with pytest.raises(WrongState, match="told to stop"):
        control.direct(raw.id, Order.RESUME, "ada")
    control.direct(raw.id, Order.STOP, "ada")

    assert control.worker(raw.id).order is Order.STOP


def test_nobody_can_direct_a_worker_that_is_not_there(control: WorkerControl) -> None:
    with pytest.raises(WorkerNotFound, match="no living worker"):
        control.direct("nowhere:1:abc", Order.QUIET, "ada")


def test_a_job_whose_message_is_damaged_is_listed_without_its_name(bare_engine: Engine) -> None:
    raw = bare_engine.raw_worker()
    raw.renew()
    job_id = bare_engine.add().job_id
    raw.take()
    bare_engine.client.hset(keys.job(QUEUE, job_id), "msg", "nothing")

    (worker,) = WorkerControl(bare_engine.client).workers(QUEUE)

    assert [(job.id, job.name) for job in worker.running] == [(job_id, "")]
