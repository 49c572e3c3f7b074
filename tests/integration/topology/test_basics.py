"""What the engine can do it does on every topology: the same few tests on each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.broker import NewJob
from shared.broker.keeper import Keeper
from shared.database import Database
from shared.database.archive import Archiver
from shared.database.archive_reader import DatabaseArchive
from shared.errors import TransientError
from shared.explaining import explain
from shared.job_store import JobStore
from shared.queues import Queue
from shared.schedules.store import KEYS
from shared.worker_control import WorkerControl
from tests.integration.schedules.conftest import System
from tests.kit.engine import Engine
from tests.kit.running import Gate, running
from tests.kit.system import wait_until

pytestmark = pytest.mark.slow

TOPOLOGIES = ("cluster_servers", "sentinel_servers", "tls_server", "tls_cluster_servers")


@pytest.fixture(params=TOPOLOGIES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The engine's tools on each topology, empty."""
    servers = request.getfixturevalue(request.param)
    made = Engine(servers.url, access=servers.access)
    for queue in Queue:
        made.broker.flush(queue)
    yield made
    made.close()


def test_a_job_runs_again_after_an_error_and_completes(engine: Engine) -> None:
    attempts: list[str] = []

    def order(orderId: str) -> str:  # noqa: N803 - the message's own field
        attempts.append(orderId)
        if len(attempts) == 1:
            raise TransientError("not yet", retry_after_ms=50)
        return "done"

    with running(engine, {"order": order}):
        job_id = engine.add(data={"orderId": "o-7"}).job_id
        engine.await_event("completed", job_id)

    job = engine.store.job(job_id)
    assert (attempts, job.attempt, job.result) == (["o-7", "o-7"], 2, "done")
    assert engine.events(job_id) == ["waiting", "active", "delayed", "waiting", "active", "completed"]


def test_a_delayed_job_runs_when_it_is_due_or_promoted(engine: Engine) -> None:
    with running(engine, {"order": _nothing}):
        soon, late = engine.add(delay_ms=100).job_id, engine.add(delay_ms=3_600_000).job_id
        engine.await_event("completed", soon)
        engine.store.promote(late, by="ops")
        engine.await_event("completed", late)


def test_an_unfinished_job_absorbs_its_duplicates(engine: Engine) -> None:
    first = engine.add(deduplication_key="once")
    second = engine.add(deduplication_key="once")

    assert (second.job_id, second.deduplicated) == (first.job_id, True)
    assert engine.store.queue_stats(engine.queue).waiting == 1


def test_a_running_job_is_cancelled(engine: Engine) -> None:
    gate = Gate()
    with running(engine, {"order": lambda **_: gate.hold()}):
        job_id = engine.add().job_id
        gate.await_arrival()
        engine.store.cancel(job_id, by="ops")
        engine.await_event("cancelled", job_id)


def test_an_operator_sees_and_operates_all_queues(engine: Engine) -> None:
    jobs = engine.broker.add_many([NewJob(queue, "any", {"n": n}, 1) for n in range(3) for queue in Queue])
    engine.store.pause(Queue.CREDIT_SCORE, by="ops", why="month end")

    stats = engine.store.stats()
    assert {queue: found.waiting for queue, found in stats.items()} == dict.fromkeys(Queue, 3)
    assert [queue for queue, found in stats.items() if found.is_paused] == [Queue.CREDIT_SCORE]
    page = engine.store.jobs(limit=100)
    assert sorted(job.id for job in page.jobs) == sorted(job.job_id for job in jobs)
    reasons = explain(engine.scripts, engine.store, jobs[list(Queue).index(Queue.CREDIT_SCORE)].job_id).reasons
    assert "month end" in str(reasons)
    assert engine.store.resume(Queue.CREDIT_SCORE, by="ops")


def test_a_failed_job_is_listed_retried_and_cleaned_away(engine: Engine) -> None:
    worker = engine.raw_worker()
    job_id = engine.add().job_id
    assert worker.finish(worker.take(), "failed", {"type": "E", "message": "no"}) == "a"

    assert [job.id for job in engine.store.failed(engine.queue).jobs] == [job_id]
    assert engine.store.retry(engine.queue, job_id, by="ops").state == "waiting"
    worker.finish(worker.take(), "failed", {"type": "E", "message": "no"})
    assert engine.store.clean(engine.queue, 0).failed == 1


def test_a_stalled_job_goes_back_and_the_keeper_sees_every_queue(engine: Engine) -> None:
    engine.add()
    engine.raw_worker().take()
    engine.expire_leases()

    assert Keeper(engine.client, engine.config).run_once() == 1


def test_events_and_finished_jobs_go_to_the_archive(engine: Engine, sqlite_url: str) -> None:
    database = Database(sqlite_url)
    worker = engine.raw_worker()
    job_id = engine.add().job_id
    worker.finish(worker.take(), keep=0)

    assert Archiver(database, engine.client).run_once() == len(["waiting", "active", "completed"])

    assert engine.stream() == []
    store = JobStore(engine.connect(), DatabaseArchive(database))
    assert store.job(job_id).state == "completed"
    assert [event.event for event in store.events(job_id)] == ["waiting", "active", "completed"]


def test_the_workers_of_all_queues_are_seen(engine: Engine) -> None:
    control = WorkerControl(engine.connect())
    with running(engine, {"order": _nothing}, threads=3) as broker:
        wait_until(control.workers, lambda: "the worker gives a sign of life")
        assert [(worker.id, worker.queue) for worker in control.workers()] == [(broker.worker_id, engine.queue)]
        assert {queue: each.threads for queue, each in control.capacities().items() if each.threads} == {
            engine.queue: 3
        }


def test_a_client_has_one_limit_however_many_queues_it_asks(engine: Engine) -> None:
    waits = [engine.store.check_client("token-1", 2, 60_000) for _ in range(3)]

    assert waits[:2] == [0, 0]
    assert 0 < waits[2] <= 60_000


def test_a_schedule_that_is_due_enqueues_its_job_once(engine: Engine) -> None:
    engine.client.delete(*KEYS)
    system = System(engine.connect(), engine.broker)
    system.create()
    system.store.pass_time(minutes=15)

    assert [runner.run_jobs() for runner in (system.runner(), system.runner())] == [1, 0]

    assert len(system.waiting()) == 1
    assert [entry.schedule.id for entry in system.store.entries()] == ["greet"]


def _nothing(**_: object) -> None:
    return None
