"""A master that dies or is deposed under load: nobody steps in, nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Self
from urllib.parse import quote

import pytest

from shared.broker import DokoBroker
from shared.errors import NotReplicated, RedisUnavailable
from shared.settings_redis import RedisSettings
from tests.kit.engine import SHORT, Engine
from tests.kit.running import running
from tests.kit.system import wait_until
from tests.kit.topologies import PASSWORD, Sentinels, plain_client

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

CONFIRMED = replace(SHORT, wait_replicas=1, wait_timeout_ms=500)


@pytest.fixture
def engine(sentinel_servers: Sentinels) -> Iterator[Engine]:
    """The engine's tools behind the sentinels, on an empty Redis whose replica follows."""
    sentinel_servers.await_replicas(1)
    made = Engine(sentinel_servers.url, CONFIRMED, access=sentinel_servers.access)
    made.client.flushall()
    yield made
    made.close()
    for server in sentinel_servers.servers:
        server.start()
    sentinel_servers.await_replicas(1)


class Producer:
    """Enqueues without a pause; ``acknowledged`` are the jobs it was promised, by number."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._broker = DokoBroker(engine.connect(), engine.config)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._produce)
        self.acknowledged: dict[int, str] = {}
        self.refused = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._broker.close()

    def await_more(self, count: int) -> None:
        """Wait until so many more jobs were acknowledged."""
        enough = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= enough or None, lambda: f"{len(self.acknowledged)} acknowledged")

    def _produce(self) -> None:
        number = 0
        while not self._stop.wait(0.001):
            number += 1
            try:
                job = self._engine.job(data={"number": number}, job_id=f"orders-{number}")
                self.acknowledged[number] = self._broker.add(job).job_id
            except RedisUnavailable:
                self.refused += 1


def test_a_killed_master_costs_no_acknowledged_job(engine: Engine, sentinel_servers: Sentinels) -> None:
    old = sentinel_servers.master
    ran: Counter[int] = Counter()

    def order(number: int) -> None:
        ran[number] += 1

    with running(engine, {"order": order}, threads=4):
        with Producer(engine) as producer:
            producer.await_more(200)
            old.kill()
            sentinel_servers.await_other_master(old)
            # Alone, the new master confirms nothing; what was down comes back as its replica.
            old.start()
            producer.await_more(200)
        acknowledged = set(producer.acknowledged)
        wait_until(lambda: acknowledged <= set(ran) or None, lambda: f"{len(acknowledged - set(ran))} jobs are lost")
        wait_until(lambda: _is_idle(engine) or None, lambda: "every job has ended")

    assert producer.refused > 0
    completed = Counter(event.job for event in engine.stream() if event.event == "completed")
    assert {job_id: completed[job_id] for job_id in producer.acknowledged.values()} == dict.fromkeys(
        producer.acknowledged.values(), 1
    )
    assert engine.store.queue_stats(engine.queue).failed == 0


def test_a_deposed_master_is_left_for_the_new_one(engine: Engine, sentinel_servers: Sentinels) -> None:
    old = sentinel_servers.master
    idle = DokoBroker(engine.connect(), engine.config)
    idle.add(engine.job())
    with running(engine, {"order": lambda **_: None}):
        engine.await_event("completed")
        with sentinel_servers.sentinel() as sentinel:
            sentinel.execute_command("SENTINEL", "FAILOVER", "doko-master")
        new = sentinel_servers.await_other_master(old)
        with plain_client(old.port, password=PASSWORD) as client:
            # As the sentinels do after ten seconds, but our connections stay: they meet READONLY.
            client.replicaof("127.0.0.1", new.port)
        sentinel_servers.await_replicas(1)
        job_id = wait_until(lambda: _try_to_add(idle, engine), lambda: "the connection of the old master is left")
        engine.await_event("completed", job_id)
    idle.close()


def test_a_job_that_no_replica_has_is_not_acknowledged_until_one_has_it(
    engine: Engine, sentinel_servers: Sentinels
) -> None:
    job = engine.job(job_id="orders-precious")
    _pause_replica(sentinel_servers, frozen=True)
    try:
        # The second one finds the job there and has nothing to write: it mustn't be acknowledged for that.
        for broker in (engine.broker, DokoBroker(engine.connect(), CONFIRMED)):
            with pytest.raises(NotReplicated, match="0 of 1 replicas confirmed it within 500 ms"):
                broker.add(job)
    finally:
        _pause_replica(sentinel_servers, frozen=False)
    sentinel_servers.await_replicas(1)

    again = engine.broker.add(job)
    assert (again.job_id, again.created) == ("orders-precious", False)
    assert engine.store.queue_stats(engine.queue).waiting == 1


def test_an_unknown_service_is_named(sentinel_servers: Sentinels) -> None:
    assert "knows no service 'doko-mistress'" in _refusal(
        sentinel_servers.url.replace("doko-master", "doko-mistress"), sentinel_servers.access
    )


def test_the_sentinels_and_the_servers_ask_for_their_own_password(sentinel_servers: Sentinels) -> None:
    wrong = replace(sentinel_servers.access, sentinel_password="mistyped")
    assert "invalid username-password pair" in _refusal(sentinel_servers.url, wrong)
    assert "uthenticat" in _refusal(sentinel_servers.url, RedisSettings())
    without = sentinel_servers.url.replace(f":{quote(PASSWORD)}@", "")
    assert "uthenticat" in _refusal(without, sentinel_servers.access)


def _refusal(url: str, access: RedisSettings) -> str:
    engine = Engine(url, access=access)
    try:
        with pytest.raises(RedisUnavailable) as raised:
            engine.add()
    finally:
        engine.close()
    return str(raised.value.__cause__)


def _is_idle(engine: Engine) -> bool:
    stats = engine.store.queue_stats(engine.queue)
    return stats.waiting + stats.active + stats.delayed == 0


def _try_to_add(broker: DokoBroker, engine: Engine) -> str | None:
    try:
        return broker.add(engine.job()).job_id
    except RedisUnavailable:
        return None


def _pause_replica(servers: Sentinels, *, frozen: bool) -> None:
    (replica,) = (server for server in servers.servers if server is not servers.master)
    os.kill(replica.pid, signal.SIGSTOP if frozen else signal.SIGCONT)
