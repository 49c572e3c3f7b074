"""Leases that run out, replies that get lost, and messages that nobody can read."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace

import orjson
import pytest

from shared.broker import State, keys
from shared.errors import WrongState
from tests.kit.engine import QUEUE, SHORT, Engine, error
from tests.kit.running import Gate, running


def stall(engine: Engine) -> None:
    engine.expire_leases()
    engine.sweep()


def test_a_once_stalled_job_goes_first_and_keeps_its_attempts(engine: Engine) -> None:
    first = engine.add().job_id
    engine.add_ids(2)
    engine.raw_worker().take()
    engine.expire_leases()
    (stalled,) = engine.sweep()
    assert (stalled.id, stalled.outcome, stalled.worker, stalled.attempt) == (first, "waiting", "raw-1", 1)
    again = engine.raw_worker().take()
    assert (again.id, again.attempt, again.stalls) == (first, 1, 1)
    assert engine.store.job(first).errors[0]["type"] == "Stalled"


def test_a_once_stalled_job_runs_alone(engine: Engine) -> None:
    first = engine.add().job_id
    others = engine.add_ids(5)
    engine.raw_worker().take()
    stall(engine)

    busy, idle = engine.raw_worker(), engine.raw_worker()
    assert [job.id for job in idle.fetch(4)] == [first]
    assert [job.id for job in busy.fetch(2)] == others[:2]


def test_a_busy_worker_drains_before_it_takes_a_once_stalled_job(engine: Engine) -> None:
    busy = engine.raw_worker()
    mine = engine.add().job_id
    held = busy.take()
    stalled = engine.add().job_id
    engine.raw_worker().take()
    busy.renew(held)
    engine.client.zadd(engine.prefix + "active", {stalled: 1})
    engine.sweep()
    engine.add_ids(3)

    assert busy.fetch(3) == []
    assert engine.state(mine) == "active"
    del busy.held[mine]
    _, taken = busy.advance(4, [(mine, held.token, "completed", b"", 0, 1, 100)])
    assert [job.id for job in taken] == [stalled]


@pytest.mark.parametrize("outcome", ["delayed", "released"])
def test_a_once_stalled_job_runs_alone_also_after_a_retry_or_a_release(engine: Engine, outcome: str) -> None:
    suspect = engine.add().job_id
    engine.raw_worker().take()
    stall(engine)
    worker = engine.raw_worker()
    worker.finish(worker.take(), outcome, None, 0)
    engine.add_ids(3, priority=100)
    fetched = [job.id for _ in range(2) for job in worker.fetch(4)]
    if suspect in fetched:
        assert fetched.index(suspect) == len(fetched) - 1 or len(fetched) == 1
    else:
        for job in list(worker.held.values()):
            worker.finish(job)
        assert [job.id for job in worker.fetch(4)] == [suspect]


def test_the_second_stall_fails_the_job(engine: Engine) -> None:
    job_id = engine.add(attempts=10).job_id
    for _ in range(2):
        engine.raw_worker().take()
        stall(engine)
    job = engine.store.job(job_id)
    assert (job.state, job.stalls) == (State.FAILED, 2)
    assert "stalled more than 1 time" in (job.error or {})["message"]
    assert engine.store.queue_stats(QUEUE).stalled == 2


def test_a_lease_renewed_after_its_end_but_before_the_sweep_still_stands(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add()
    job = worker.take()
    engine.expire_leases()
    assert worker.renew(job) == "o"
    assert engine.sweep() == []
    assert worker.finish(job) == "a"


def test_a_sweep_after_long_absence_gives_workers_time_to_renew(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add()
    worker.take()
    engine.sweep()
    engine.expire_leases()
    meta = engine.prefix + "meta"
    engine.client.hset(meta, "swept_at", engine.now_ms() - 4 * SHORT.sweep_interval_ms)
    assert engine.sweep() == []
    assert engine.sweep() == []
    engine.client.hset(meta, "grace_until", engine.now_ms() - 1)
    assert len(engine.sweep()) == 1


def test_a_stalled_job_that_was_being_cancelled_is_cancelled(engine: Engine) -> None:
    job_id = engine.add().job_id
    engine.raw_worker().take()
    engine.store.cancel(job_id, "ada", "a mistake")
    stall(engine)
    assert engine.state(job_id) == "cancelled"
    with pytest.raises(WrongState):
        engine.store.cancel(job_id, "ada")


def test_a_worker_that_lost_its_lease_is_told_and_its_result_does_not_count(engine: Engine) -> None:
    gate = Gate()
    results: list[str] = []

    def order(**_: object) -> None:
        gate.hold()
        results.append("ended")

    with running(engine, {"order": order}, threads=1, config=replace(SHORT, lease_ms=600)):
        job_id = engine.add().job_id
        gate.await_arrival()
        engine.expire_leases()
        engine.sweep()
        engine.await_event("active", job_id, count=2)  # the old attempt was interrupted and freed its thread
        gate.open()
        engine.await_event("completed", job_id)
    assert results == ["ended"]


def test_jobs_of_a_lost_reply_come_back_with_no_attempt_used(engine: Engine) -> None:
    worker = engine.raw_worker()
    first, second = engine.add_ids(2)
    held = worker.take()
    worker.advance(1)
    del worker.held[second]

    back, lost = worker.reconcile()

    assert (back, lost) == ([second], [])
    again = engine.raw_worker().take()
    assert (again.id, again.attempt) == (second, 1)
    assert worker.finish(held) == "a"
    assert first == held.id


def test_a_worker_learns_what_it_holds_in_vain(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add()
    job = worker.take()
    stall(engine)
    engine.raw_worker().take()
    assert worker.reconcile() == ([], [job.id])


class _Wire:
    """A proxy that swallows one reply of Redis, once the request got through."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.swallow = threading.Event()
        self.swallowed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, replies: bool) -> None:  # noqa: FBT001 - a direction
        with source, target:
            try:
                while data := source.recv(65_536):
                    # Only a reply that hands out a job: it holds the job's message.
                    if replies and self.swallow.is_set() and b"orderId" in data:
                        self.swallow.clear()
                        self.swallowed.set()
                        target.shutdown(socket.SHUT_RDWR)
                        return
                    target.sendall(data)
            except OSError:
                return

    def close(self) -> None:
        self._server.close()


def test_a_real_worker_that_loses_a_fetchs_reply_runs_the_jobs_once(engine: Engine) -> None:
    wire = _Wire(int(engine.url.rpartition(":")[2].partition("/")[0]))
    wire.swallow.set()
    ran: list[int] = []
    with running(engine, {"order": lambda **_: ran.append(1)}, url=f"redis://127.0.0.1:{wire.port}/0"):
        ids = engine.add_ids(3)
        for job_id in ids:
            engine.await_event("completed", job_id)
    wire.close()
    assert wire.swallowed.is_set()
    assert len(ran) == 3
    assert {engine.store.job(job_id).attempt for job_id in ids} == {1}


@pytest.mark.parametrize(
    "message", [b"", b"garbage", b"1|{broken", b"1|[1]", b"1|{}", b'1|{"name":"order"}', b"1|\xff"]
)
def test_an_undecodable_message_fails_its_job_and_the_worker_lives_on(engine: Engine, message: bytes) -> None:
    job_id = engine.add().job_id
    engine.client.hset(keys.job(QUEUE, job_id), "msg", message)
    with running(engine, {"order": lambda **_: None}, threads=1):
        failed = engine.await_event("failed", job_id)
        engine.await_event("completed", engine.add().job_id)
    record = orjson.loads(failed.fields["record"])  # the archive must be able to read it
    assert record["state"] == "failed"
    assert "can't be read" in record["errors"][0]["message"]
    assert engine.store.job(job_id).state is State.FAILED


def test_a_damaged_job_can_be_cancelled_and_its_event_be_read(engine: Engine) -> None:
    job_id = engine.add().job_id
    engine.client.hset(keys.job(QUEUE, job_id), "msg", "1|{broken")
    engine.store.cancel(job_id, "ada")


def test_an_id_without_a_record_is_forgotten_and_the_others_run(engine: Engine) -> None:
    engine.client.zadd(engine.prefix + "waiting", {"orders-ghost": 1})
    engine.client.zadd(engine.prefix + "delayed", {"orders-ghost-2": 1})
    engine.client.zadd(engine.prefix + "active", {"orders-ghost-3": 1})
    job_id = engine.add().job_id
    engine.sweep()
    assert [job.id for job in engine.raw_worker().fetch(5)] == [job_id]


def test_errors_of_all_attempts_survive_a_stall(engine: Engine) -> None:
    worker = engine.raw_worker()
    job_id = engine.add().job_id
    worker.finish(worker.take(), "delayed", error("first"), 0)
    worker.take()
    stall(engine)
    assert [one["type"] for one in engine.store.job(job_id).errors] == ["ValueError", "Stalled"]
