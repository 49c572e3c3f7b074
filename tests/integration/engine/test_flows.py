"""Jobs that wait for jobs of other queues: results, failures, cancelling, retries, and a death after every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.redis_server import RedisServer
from shared.broker import EngineConfig, State, current_job, keys
from shared.errors import InvalidOption, WrongState
from shared.flows import FlowStep, OnFailure
from shared.job_store import JobStore
from shared.queues import POLICIES, Queue
from tests.kit.agreement import assert_agreement
from tests.kit.engine import Engine
from tests.kit.flows import add_flow, end_one, ids_of, jobs_of, states, step, tell, tell_and_die
from tests.kit.running import running

ORDERS, CREDIT, WHATSAPP = Queue.ORDER_PROCESSING, Queue.CREDIT_SCORE, Queue.WHATSAPP
THREE = [step("order", ORDERS), step("score", CREDIT, "order"), step("tell", WHATSAPP, "order", "score")]

NO_SWEEPS = EngineConfig(lease_ms=600_000, sweep_interval_ms=600_000, shutdown_grace_ms=300)


class Engines:
    """An engine a queue."""

    def __init__(self, url: str) -> None:
        self.orders, self.credit, self.whatsapp = (Engine(url, queue=queue) for queue in (ORDERS, CREDIT, WHATSAPP))
        self.all = [self.orders, self.credit, self.whatsapp]
        self.store: JobStore = self.orders.store

    def add(self, steps: list[FlowStep]) -> dict[str, str]:
        return add_flow(self.orders.broker, steps)

    def agree(self) -> None:
        for engine in self.all:
            assert_agreement(engine)

    def untold(self) -> int:
        return sum(engine.client.xlen(keys.releases(engine.queue)) for engine in self.all)


@pytest.fixture
def engines(redis_server: RedisServer) -> Iterator[Engines]:
    made = Engines(redis_server.url)
    yield made
    made.agree()
    for engine in made.all:
        engine.close()


def test_a_job_waits_for_jobs_of_other_queues_and_runs_when_all_have_completed(engines: Engines) -> None:
    ids = engines.add(THREE)
    assert states(engines.store, ids) == {"order": State.WAITING, "score": State.BLOCKED, "tell": State.BLOCKED}
    job = engines.store.job(ids["tell"])
    assert (job.flow_id, job.depends_on) == ("flow-1", [ids["order"], ids["score"]])
    assert job.waits_for == sorted([ids["order"], ids["score"]])
    assert sorted(engines.store.job(ids["order"]).dependents) == sorted([ids["score"], ids["tell"]])

    assert end_one(engines.orders) == ids["order"]
    tell(engines.all)
    assert states(engines.store, ids) == {"order": State.COMPLETED, "score": State.WAITING, "tell": State.BLOCKED}
    assert engines.store.job(ids["tell"]).waits_for == [ids["score"]]

    assert end_one(engines.credit) == ids["score"]
    tell(engines.all)
    assert engines.store.job(ids["tell"]).state is State.WAITING
    assert engines.store.job(ids["tell"]).waits_for == []
    assert engines.untold() == 0


def test_the_actor_gets_the_results_by_key(engines: Engines) -> None:
    seen: list[dict[str, Any]] = []

    def actor(**_: object) -> dict[str, Any]:
        job = current_job()
        assert job is not None
        seen.append(job.dependency_results())
        return {"of": job.id}

    def names(queue: Queue) -> dict[str, Any]:
        return dict.fromkeys(POLICIES[queue].job_names, actor)

    with (
        running(engines.orders, names(ORDERS)),
        running(engines.credit, names(CREDIT)),
        running(engines.whatsapp, names(WHATSAPP)),
    ):
        ids = engines.add(THREE)
        engines.whatsapp.await_event("completed", ids["tell"])
    of = {key: {"of": job_id} for key, job_id in ids.items()}
    assert seen == [{}, {"order": of["order"]}, {"order": of["order"], "score": of["score"]}]


def test_workers_tell_each_other_at_once_and_wait_for_no_sweep(engines: Engines) -> None:
    chain = [step("0", ORDERS)] + [step(str(n), [ORDERS, CREDIT][n % 2], str(n - 1)) for n in range(1, 21)]
    with (
        running(engines.orders, dict.fromkeys(POLICIES[ORDERS].job_names, lambda **_: None), config=NO_SWEEPS),
        running(engines.credit, dict.fromkeys(POLICIES[CREDIT].job_names, lambda **_: None), config=NO_SWEEPS),
    ):
        ids = engines.add(chain)
        engines.orders.await_event("completed", ids["20"])


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
def test_those_that_wait_fail_with_what_they_wait_for_and_so_do_those_behind_them(
    engines: Engines, outcome: str
) -> None:
    ids = engines.add([step("a", ORDERS), step("b", CREDIT, "a"), step("c", WHATSAPP, "b"), step("d", ORDERS, "c")])
    end_one(engines.orders, outcome)
    tell([engines.orders])

    assert {key: state for key, state in states(engines.store, ids).items() if key != "a"} == dict.fromkeys(
        "bcd", State.FAILED
    )
    failed = engines.store.job(ids["b"]).error
    assert failed is not None
    assert failed["type"] == "DependencyFailed"
    assert failed["message"] == f"job {ids['a']}, which this one depends on, is {outcome}"
    assert ids["c"] in str((engines.store.job(ids["d"]).error or {})["message"])
    assert engines.untold() == 0


def test_a_job_that_asked_for_it_is_released_when_one_fails_and_misses_its_result(engines: Engines) -> None:
    ids = engines.add(
        [step("a", ORDERS), step("b", CREDIT), step("c", WHATSAPP, "a", "b", on_failure=OnFailure.RELEASE)]
    )
    end_one(engines.orders, "failed")
    tell(engines.all)
    assert engines.store.job(ids["c"]).state is State.BLOCKED
    end_one(engines.credit, result={"points": 7})
    tell(engines.all)
    assert engines.store.job(ids["c"]).state is State.WAITING

    results: list[object] = []

    def actor(**_: object) -> None:
        job = current_job()
        assert job is not None
        results.append(job.dependency_results())

    with running(engines.whatsapp, {"message": actor}):
        engines.whatsapp.await_event("completed", ids["c"])
    assert results == [{"b": {"points": 7}}]


def test_the_delay_of_a_job_begins_when_it_has_waited(engines: Engines) -> None:
    ids = engines.add([step("a", ORDERS), step("b", CREDIT, "a", delay_ms=60_000)])
    assert engines.store.job(ids["b"]).state is State.BLOCKED
    end_one(engines.orders)
    now_ms = engines.orders.now_ms()
    tell(engines.all)

    job = engines.store.job(ids["b"])
    assert job.state is State.DELAYED
    assert 0 <= (job.due_at_ms or 0) - now_ms - 60_000 < 5_000


@pytest.mark.parametrize("seen_before", [False, True])
def test_whatever_the_order_in_which_a_flow_is_enqueued_nobody_is_left_behind(
    engines: Engines, *, seen_before: bool
) -> None:
    jobs = jobs_of(THREE)
    ids = ids_of(THREE)
    engines.orders.broker.add(jobs["order"])
    end_one(engines.orders, result={"ok": 1})
    if seen_before:
        tell(engines.all)  # the entry is gone before anybody it is for is there
        assert engines.untold() == 0
    engines.orders.broker.add(jobs["tell"])
    engines.orders.broker.add(jobs["score"])
    tell(engines.all)
    assert end_one(engines.credit, result=[2]) == ids["score"]
    tell(engines.all)

    assert end_one(engines.whatsapp) == ids["tell"]
    assert [key for engine in engines.all for key in engine.client.scan_iter(engine.prefix + "early:*")] == []


def _failing(engines: Engines) -> tuple[list[FlowStep], str]:
    return [step("a", ORDERS), step("b", CREDIT, "a"), step("c", WHATSAPP, "b"), step("d", ORDERS, "a", "c")], "failed"


def _completing(engines: Engines) -> tuple[list[FlowStep], str]:
    waiting = [step(key, queue, "a") for key, queue in (("b", CREDIT), ("c", WHATSAPP), ("d", ORDERS))]
    return [step("a", ORDERS), *waiting, step("e", CREDIT, "b", "c")], "completed"


@pytest.mark.parametrize("make", [_failing, _completing])
def test_a_death_after_any_step_of_telling_leaves_what_a_repetition_completes(engines: Engines, make: Any) -> None:
    steps, outcome = make(engines)
    deaths = 0
    while True:
        for engine in engines.all:
            engine.client.flushall()
        ids = engines.add(steps)
        end_one(engines.orders, outcome)
        died = tell_and_die(engines.orders, deaths)
        engines.agree()
        tell(engines.all)
        engines.agree()
        assert engines.untold() == 0
        expected = State.FAILED if outcome == "failed" else State.WAITING
        assert states(engines.store, {key: ids[key] for key in "bcd"}) == dict.fromkeys("bcd", expected)
        events = [one for engine in engines.all for one in engine.stream() if one.event == expected.value]
        assert sorted(one.job for one in events if one.job != ids["a"]) == sorted(ids[key] for key in "bcd")
        if not died:
            break
        deaths += 1
    assert deaths >= 4


def test_an_entry_told_again_after_everything_has_moved_on_changes_nothing(engines: Engines) -> None:
    ids = engines.add([step("a", ORDERS), step("b", CREDIT, "a")])
    end_one(engines.orders, "failed")
    (entry,) = engines.orders.client.xrange(keys.releases(ORDERS))
    tell(engines.all)
    engines.store.retry(ORDERS, ids["a"], "ada")
    end_one(engines.orders)
    tell(engines.all)
    engines.store.retry(CREDIT, ids["b"], "ada")
    engines.orders.client.xadd(keys.releases(ORDERS), entry[1])
    tell(engines.all)

    assert engines.store.job(ids["b"]).state is State.WAITING
    assert engines.untold() == 0


def test_a_failed_job_is_retried_only_after_what_it_depends_on(engines: Engines) -> None:
    ids = engines.add([step("a", ORDERS), step("b", CREDIT, "a")])
    end_one(engines.orders, "failed")
    tell(engines.all)
    with pytest.raises(WrongState, match=ids["a"]):
        engines.store.retry(CREDIT, ids["b"], "ada")

    engines.store.retry(ORDERS, ids["a"], "ada")
    assert engines.store.job(ids["b"]).state is State.FAILED  # it isn't blocked again
    end_one(engines.orders, result={"second": "time"})
    tell(engines.all)
    engines.store.retry(CREDIT, ids["b"], "ada")

    assert end_one(engines.credit) == ids["b"]


def test_a_blocked_job_can_be_cancelled_and_those_behind_it_see_a_failure(engines: Engines) -> None:
    ids = engines.add([step("a", ORDERS), step("b", CREDIT, "a"), step("c", WHATSAPP, "b")])
    engines.store.cancel(ids["b"], "ada", "not needed")
    tell(engines.all)
    assert states(engines.store, ids) == {"a": State.WAITING, "b": State.CANCELLED, "c": State.FAILED}
    end_one(engines.orders)
    tell(engines.all)

    assert engines.store.job(ids["b"]).state is State.CANCELLED


def test_a_job_that_kept_no_record_still_hands_its_result_on(engines: Engines) -> None:
    ids = engines.add([step("a", ORDERS), step("b", CREDIT, "a")])
    worker = engines.orders.raw_worker()
    worker.finish(worker.take(), "completed", {"kept": "nowhere"}, keep=0)
    tell(engines.all)

    assert engines.credit.record(ids["b"])[f"dep:{ids['a']}"] == 'c{"kept":"nowhere"}'
    assert engines.store.job(ids["b"]).state is State.WAITING


def test_a_dependency_that_stalls_too_often_fails_those_that_wait(engines: Engines) -> None:
    ids = engines.add([step("a", ORDERS), step("b", CREDIT, "a")])
    for _ in range(2):
        engines.orders.raw_worker().take()
        engines.orders.expire_leases()
        engines.orders.client.hdel(engines.orders.prefix + "meta", "swept_at", "grace_until")
        engines.orders.sweep()
    tell(engines.all)

    assert states(engines.store, ids) == {"a": State.FAILED, "b": State.FAILED}


def test_a_job_of_a_flow_takes_no_deduplication_key(engines: Engines) -> None:
    with pytest.raises(InvalidOption, match="deduplicationKey"):
        engines.add([step("a", ORDERS, deduplication_key="k")])


def test_enqueueing_a_flow_again_changes_nothing(engines: Engines) -> None:
    ids = engines.add(THREE)
    end_one(engines.orders)
    tell(engines.all)
    before = [engine.stream() for engine in engines.all]
    assert engines.add(THREE) == ids

    assert [engine.stream() for engine in engines.all] == before
