"""A cluster: queues on their own servers, slots that move, servers that die."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import RedisError

from shared.broker import NewJob, keys
from shared.broker.server_check import warn_of_unsafe_server
from shared.errors import RedisUnavailable
from shared.queues import Queue
from tests.kit.engine import Engine
from tests.kit.running import running
from tests.kit.system import wait_until
from tests.kit.topologies import Cluster, plain_client

pytestmark = pytest.mark.slow

META = keys.meta(Queue.ORDER_PROCESSING)


@pytest.fixture
def engine(cluster_servers: Cluster) -> Iterator[Engine]:
    """The engine's tools on the empty cluster; the slot of its queue is at home again afterwards."""
    cluster_servers.flush()
    home = cluster_servers.server_of(META)
    made = Engine(cluster_servers.url)
    yield made
    made.close()
    if cluster_servers.server_of(META) is not home:
        cluster_servers.flush()
        cluster_servers.move(META, home)


def test_queues_are_spread_and_each_has_its_worker(engine: Engine, cluster_servers: Cluster) -> None:
    ran: list[str] = []

    def note(queue: str) -> None:
        ran.append(queue)

    others = [Engine(engine.url, queue=queue) for queue in Queue if queue is not engine.queue]
    engines = [engine, *others]
    for each in engines:
        with running(each, {"any": note}):
            each.broker.add_many([NewJob(each.queue, "any", {"queue": each.queue.value}, 1) for _ in range(10)])
            each.await_event("completed", count=10)

    assert Counter(ran) == dict.fromkeys((queue.value for queue in Queue), 10)
    homes = {queue: cluster_servers.server_of(keys.meta(queue)).port for queue in Queue}
    assert sorted(Counter(homes.values()).values()) == [2, 2, 2]
    for server in cluster_servers.servers:
        with plain_client(server.port) as client:
            tags = {name.decode().split("}")[0].removeprefix("doko:{") for name in client.keys("doko:*")}
        assert tags == {queue.value for queue in Queue if homes[queue] == server.port}
    for each in others:
        each.close()


def test_a_slot_moves_under_load_and_every_job_completes_once(engine: Engine, cluster_servers: Cluster) -> None:
    ran: list[int] = []
    stop = threading.Event()
    added: list[str] = []

    def produce() -> None:
        while not stop.wait(0.002):
            job = engine.job(data={"number": len(added)}, job_id=f"orders-{len(added)}")
            while True:
                try:
                    added.append(engine.broker.add(job).job_id)
                    break
                except RedisUnavailable:
                    stop.wait(0.01)  # the slot is on its way

    producer = threading.Thread(target=produce)

    def order(number: int) -> None:
        ran.append(number)

    with running(engine, {"order": order}, threads=4):
        producer.start()
        for _ in range(2):
            _await_more(ran)
            home = cluster_servers.server_of(META)
            cluster_servers.move(META, cluster_servers.other_than(home))
        _await_more(ran)
        stop.set()
        producer.join()
        wait_until(lambda: len(ran) >= len(added) or None, lambda: f"{len(ran)} of {len(added)} ran")

    assert Counter(ran) == dict.fromkeys(range(len(added)), 1)
    assert engine.store.queue_stats(engine.queue).completed == len(added)


def test_while_a_slot_is_half_moved_nothing_is_half_done(engine: Engine, cluster_servers: Cluster) -> None:
    worker = engine.raw_worker()
    engine.add_ids(40)
    job = worker.take()
    home = cluster_servers.server_of(META)
    target = cluster_servers.other_than(home)
    giver, taker, slot = cluster_servers.begin_move(META, target)
    # The guard must stop the scripts while their own key is still at home, the missing key itself afterwards.
    moves = 0
    while cluster_servers.move_keys(giver, target, slot, 10, but=META if moves < 4 else ""):
        moves += 1
        before = _content(giver, taker, slot)
        for step in (engine.add, lambda: worker.finish(job), engine.sweep, lambda: worker.advance(5, held=1)):
            with pytest.raises(RedisUnavailable):
                step()
        assert _content(giver, taker, slot) == before
        with pytest.raises(RedisUnavailable):
            engine.store.jobs(limit=100)
    cluster_servers.end_move(giver, taker, slot)

    assert moves > 4
    assert worker.finish(job) == "a"
    with running(engine, {"order": lambda **_: None}):
        engine.await_event("completed", count=40)


def test_one_dead_server_stops_its_own_queues_only(engine: Engine, cluster_servers: Cluster) -> None:
    dead = cluster_servers.server_of(META)
    alive = next(queue for queue in Queue if cluster_servers.server_of(keys.meta(queue)) is not dead)
    for server in cluster_servers.servers:
        with plain_client(server.port) as client:
            client.config_set("cluster-require-full-coverage", "no")
    (kept,) = engine.add_ids(1)
    dead.kill()
    try:
        with pytest.raises(RedisUnavailable):
            engine.add()
        assert engine.broker.add(NewJob(alive, "any", {}, 1)).created
        assert engine.client.ping()
    finally:
        dead.start()
    wait_until(lambda: _answers(engine), lambda: "the server is back, with its data")
    assert engine.store.job(kept).state == "waiting"


def test_an_unsafe_server_is_warned_of_wherever_it_is(engine: Engine, cluster_servers: Cluster) -> None:
    assert warn_of_unsafe_server(engine.client) == []
    for server in cluster_servers.servers:
        with plain_client(server.port) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
            (problem,) = warn_of_unsafe_server(engine.client)
            client.config_set("maxmemory-policy", "noeviction")
        assert "evicts keys" in problem


def test_a_pipeline_goes_to_every_server_and_a_transaction_to_one(engine: Engine) -> None:
    with engine.client.pipeline(transaction=False) as pipeline:
        for number, queue in enumerate(Queue):
            pipeline.hset(keys.meta(queue), "number", number)
        for queue in Queue:
            pipeline.hget(keys.meta(queue), "number")
        pipeline.time()
        replies = pipeline.execute()
    assert replies[len(Queue) : -1] == [str(number).encode() for number in range(len(Queue))]

    with engine.client.pipeline() as transaction:
        transaction.hget(keys.meta(Queue.WHATSAPP), "number").hget(keys.meta(Queue.ORDER_ROUTING), "number")
        with pytest.raises(RedisError, match="a transaction touches one queue"):
            transaction.execute()
        assert transaction.hget(keys.meta(Queue.ORDER_ROUTING), "number").execute() == [b"2"]


def _await_more(ran: list[int]) -> None:
    enough = len(ran) + 50
    wait_until(lambda: len(ran) > enough or None, lambda: f"work goes on: {len(ran)} of {enough}")


def _answers(engine: Engine) -> bool:
    try:
        return bool(engine.client.exists(META))
    except RedisError:
        return False


def _content(giver: Any, taker: Any, slot: int) -> dict[bytes, bytes]:
    """All keys of the slot with their values, wherever they are."""
    found = {}
    for client in (giver, taker):
        for name in client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 10_000):
            client.execute_command("ASKING")
            found[name] = client.dump(name)
    return found
