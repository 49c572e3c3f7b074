"""Limits of queues: an operator's win over the environment's, and a changed group key reaches every producer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.redis_server import RedisServer
from shared.errors import InvalidOption
from shared.queue_limits import QueueLimits, Rate
from shared.queues import POLICIES, Queue
from tests.kit.agreement import assert_agreement
from tests.kit.engine import Engine, error

QUEUE = Queue.ORDER_ROUTING


@pytest.fixture
def engine(redis_server: RedisServer) -> Iterator[Engine]:
    engine = Engine(redis_server.url, queue=QUEUE)
    yield engine
    assert_agreement(engine)
    engine.close()


@pytest.fixture
def limits(engine: Engine) -> QueueLimits:
    return engine.store.limits


def route(engine: Engine, retailer: object, order: str = "o-1", **options: Any) -> str:
    data = {"orderId": order, "orderData": {"retailerId": retailer}}
    return engine.add("order-routing", data, **options).job_id


def group(engine: Engine, job_id: str) -> str | None:
    return engine.record(job_id).get("group")


def test_what_an_operator_sets_holds_whatever_the_environment_says(limits: QueueLimits) -> None:
    limits.set_by_environment(QUEUE, {"concurrency": 5, "rate": Rate(80, 1_000)})
    change = limits.set_by_operator(QUEUE, {"concurrency": 2, "rate": None, "groupRate": "1/6s"})
    assert change.before == {"concurrency": 5, "rate": Rate(80, 1_000)}
    assert change.after == {"concurrency": 2, "rate": None, "groupRate": Rate(1, 6_000)}

    limits.set_by_environment(QUEUE, {"concurrency": 9, "rate": Rate(10, 1_000)})
    found = limits.of(QUEUE)
    assert found.limits == change.after
    assert found.by_operator == {"concurrency", "rate", "groupRate"}

    limits.set_by_operator(QUEUE, {}, reset=["concurrency", "rate"])
    assert limits.of(QUEUE).limits == {"concurrency": 9, "rate": Rate(10, 1_000), "groupRate": Rate(1, 6_000)}


def test_what_holds_is_what_the_fetch_reads(engine: Engine, limits: QueueLimits) -> None:
    names = ["cap", "rate_n", "rate_ms", "group_n", "group_ms", "group_cap", "group_key"]
    everything = {"concurrency": 3, "rate": "80/s", "groupRate": "2/min", "groupConcurrency": 1, "groupKey": "orderId"}
    limits.set_by_operator(QUEUE, everything)
    stored = engine.client.hmget(engine.prefix + "meta", names)
    assert stored == [b"3", b"80", b"1000", b"2", b"60000", b"1", b"orderId"]
    limits.set_by_operator(QUEUE, {}, reset=list(everything))
    assert engine.client.hmget(engine.prefix + "meta", names) == [None] * 7


def test_a_starting_worker_leaves_the_pace_of_a_running_queue_alone(engine: Engine, limits: QueueLimits) -> None:
    limits.set_by_environment(QUEUE, {"rate": Rate(1, 3_600_000)})
    route(engine, "r-1")
    route(engine, "r-2")
    worker = engine.raw_worker()
    worker.take()
    limits.set_by_environment(QUEUE, {"rate": Rate(1, 3_600_000)})
    assert worker.fetch() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("concurrency", 0),
        ("concurrency", True),
        ("concurrency", "3"),
        ("groupConcurrency", 1_000_001),
        ("rate", "80"),
        ("rate", "0/s"),
        ("rate", "1/25h"),
        ("rate", {"jobs": 1}),
        ("rate", {"jobs": True, "windowMs": 1}),
        ("groupRate", 5),
        ("groupKey", ""),
        ("groupKey", "a..b"),
        ("groupKey", "a b"),
        ("groupKey", "x" * 101),
        ("speed", 1),
    ],
)
def test_a_wrong_limit_is_named_and_changes_nothing(limits: QueueLimits, name: str, value: object) -> None:
    with pytest.raises(InvalidOption) as refused:
        limits.set_by_operator(QUEUE, {"concurrency": 4, name: value})
    assert refused.value.field == name
    assert limits.of(QUEUE).limits == {}


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("80/s", Rate(80, 1_000)),
        ("1 / 6s", Rate(1, 6_000)),
        ("600/min", Rate(600, 60_000)),
        ("5/2h", Rate(5, 7_200_000)),
        ({"jobs": 3, "windowMs": 250}, Rate(3, 250)),
    ],
)
def test_rates_are_read(limits: QueueLimits, text: object, rate: Rate) -> None:
    assert limits.set_by_operator(QUEUE, {"rate": text}).after == {"rate": rate}


def test_a_group_is_any_key_of_the_payload(engine: Engine) -> None:
    assert group(engine, route(engine, "r-1")) == "r-1"
    assert group(engine, route(engine, 17)) == "17"
    assert group(engine, route(engine, None)) is None
    assert group(engine, route(engine, ["r-1"])) is None
    assert group(engine, route(engine, "r-1", group="north")) == "north"
    assert group(engine, engine.add("offer-expiry", {"orderData": "none"}).job_id) is None


def test_a_very_long_group_is_cut_and_told_apart(engine: Engine) -> None:
    names = {group(engine, route(engine, "r" * 500 + end)) for end in "ab"}
    assert len(names) == 2
    assert all(name is not None and len(name) < 200 for name in names)


def test_every_queue_has_a_group_key() -> None:
    assert {queue.name: policy.group_key for queue, policy in POLICIES.items()} == {
        "WHATSAPP": "recipient",
        "CREDIT_SCORE": "retailerId",
        "ORDER_ROUTING": "orderData.retailerId",
        "PAYMENT_REMINDERS": "retailerId",
        "REPORT_GENERATION": "userId",
        "ORDER_PROCESSING": "orderId",
    }


def test_producers_that_run_take_a_changed_group_key_with_their_next_job(
    engine: Engine, limits: QueueLimits, redis_server: RedisServer
) -> None:
    other = Engine(redis_server.url, queue=QUEUE)
    before = [route(producer, "r-1", "o-7") for producer in (engine, other)]
    for key, expected in (("orderId", "o-7"), (None, None)):
        limits.set_by_operator(QUEUE, {"groupKey": key})
        assert [group(engine, route(producer, "r-1", "o-7")) for producer in (engine, other)] == [expected] * 2
    limits.set_by_operator(QUEUE, {}, reset=["groupKey"])
    assert [group(engine, route(producer, "r-1", "o-7")) for producer in (engine, other)] == ["r-1"] * 2
    # Jobs that were enqueued before the change keep the group that they were given.
    assert [group(engine, job) for job in before] == ["r-1"] * 2
    assert len(engine.stream()) == 8, "no job was enqueued twice"
    other.close()


def test_a_job_brought_back_from_the_archive_has_the_group_of_the_key_that_holds(
    engine: Engine, limits: QueueLimits
) -> None:
    job = route(engine, "r-1", "o-7", keep_failed=0)
    worker = engine.raw_worker()
    worker.finish(worker.take(), "failed", error(), keep=0)
    limits.set_by_operator(QUEUE, {"groupKey": "orderId"})
    engine.store.retry(QUEUE, job, "asha")
    assert group(engine, job) == "o-7"


def test_what_a_limit_held_back_is_counted(engine: Engine, limits: QueueLimits) -> None:
    worker = engine.raw_worker()
    limits.set_by_operator(QUEUE, {"concurrency": 1})
    route(engine, "r-1")
    route(engine, "r-2")
    first = worker.take()
    worker.fetch()
    limits.set_by_operator(QUEUE, {"concurrency": None, "rate": "1/h"})
    worker.finish(first)
    second = worker.take()
    route(engine, "r-3")
    worker.fetch()
    limits.set_by_operator(QUEUE, {"rate": None, "groupConcurrency": 1})
    worker.fetch(5)
    route(engine, "r-2")
    assert worker.fetch(5) == []
    found = engine.store.queue_stats(QUEUE).limited
    assert (found.concurrency, found.rate, found.clients) == (1, 1, 0)
    assert found.groups >= 1
    worker.finish(second)
    assert len(worker.fetch(5)) == 1


def test_an_idle_queue_counts_nothing(engine: Engine, limits: QueueLimits) -> None:
    limits.set_by_operator(QUEUE, {"rate": "1/h"})
    worker = engine.raw_worker()
    route(engine, "r-1")
    worker.take()
    for _ in range(3):
        worker.fetch()
    assert engine.store.queue_stats(QUEUE).limited.rate == 0


def test_the_groups_that_wait_are_listed_busiest_first(engine: Engine, limits: QueueLimits) -> None:
    limits.set_by_operator(QUEUE, {"groupRate": "1/min"})
    for retailer, count in (("small", 2), ("big", 5), ("single", 1)):
        for _ in range(count):
            route(engine, retailer)
    worker = engine.raw_worker()
    assert len(worker.fetch(10)) == 3
    found = limits.busiest_groups(QUEUE, most=1)
    assert [(each.name, each.parked, each.running) for each in found.groups] == [("big", 4, 1)]
    opens = found.groups[0].opens_at_ms
    assert opens is not None
    assert 50_000 < opens - engine.now_ms() <= 60_001
    assert (found.total, found.looked_at) == (2, 2)
    assert limits.of(QUEUE).groups_waiting == 2
