"""A provider that fails in bursts, and real worker processes whose queue the circuit breaker holds meanwhile."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from deploy.local.redis_server import RedisServer
from shared.broker import JobOptions, NewJob, State, make_broker
from shared.broker.connection import connect
from shared.database import Database
from shared.errors import RedisUnavailable
from shared.job_store import JobStore
from shared.messages import dump
from shared.messages.whatsapp import SendMessage
from shared.queues import Queue
from shared.settings import Settings
from tests.doubles.whatsapp_answers import Answer, meta_error
from tests.doubles.whatsapp_provider import META_PHONE_NUMBER_ID, META_TOKEN, WhatsAppDouble
from tests.kit.service_worker import service_worker
from tests.unit.services.whatsapp.builders import a_message

pytestmark = pytest.mark.slow

QUEUE = Queue.WHATSAPP
PREFIX = "doko:{whatsapp-messages}:"
DOWN = meta_error(2, 503)
MESSAGES = 20
PATIENCE_S = 60.0


class Site:
    """Two workers, a producer, and a look at the queue."""

    def __init__(self, environment: dict[str, str], url: str, workers: ExitStack) -> None:
        self.client: Any = connect(url)  # redis-py types its replies for text and bytes at once
        self.store = JobStore(self.client)
        self._environment = environment
        self._workers = workers
        self._broker = make_broker(Settings.from_environment(environment))

    def start(self, at_once: int = 3) -> None:
        environment = self._environment | {"WHATSAPP_GLOBAL_CONCURRENCY": str(at_once)}
        for _ in range(2):
            self._workers.enter_context(service_worker(QUEUE, environment))

    def enqueue(self, count: int) -> list[str]:
        jobs = []
        for number in range(count):
            data = dump(a_message(recipient=f"+97798000000{number:02d}"))
            options = JobOptions(job_id=f"whatsapp-{number}")
            jobs.append(NewJob(QUEUE, SendMessage.JOB_NAME, data, SendMessage.VERSION, options))
        return [one.job_id for one in self._broker.add_many(jobs)]

    def breaker(self) -> str:
        return self.store.queue_stats(QUEUE).breaker.state

    def completed(self) -> int:
        return self.store.queue_stats(QUEUE).completed

    def events(self, name: str) -> list[dict[str, str]]:
        entries = self.client.xrange(PREFIX + "events")
        decoded = [{key.decode(): value.decode() for key, value in fields.items()} for _, fields in entries]
        return [entry for entry in decoded if entry["event"] == name]

    def close(self) -> None:
        self._broker.close()
        self.client.close()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if holds():
                return
        except RedisUnavailable:
            pass
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.02)


@pytest.fixture
def site(
    double: WhatsAppDouble, redis_server: RedisServer, redis_client: redis.Redis, sqlite_url: str, tmp_path: Path
) -> Iterator[Site]:
    assert redis_client.ping()
    environment = {
        "REDIS_URL": redis_server.url,
        "DATABASE_URL": sqlite_url,
        "DATA_DIR": str(tmp_path),
        "LOG_DIR": str(tmp_path / "logs"),
        "LEASE_MS": "1500",
        "SHUTDOWN_GRACE_MS": "1000",
        "SWEEP_INTERVAL_MS": "200",
        "WHATSAPP_PROVIDER": "meta",
        "WHATSAPP_META_ACCESS_TOKEN": META_TOKEN,
        "WHATSAPP_META_PHONE_NUMBER_ID": META_PHONE_NUMBER_ID,
        "WHATSAPP_META_BASE_URL": double.url,
        "WHATSAPP_RECIPIENT_INTERVAL_MS": "0",
        "WHATSAPP_RECEIPT_WAIT_MS": "0",
        "WHATSAPP_CONCURRENCY": "3",
        "BREAKER_CALLS": "6",
        "BREAKER_COOLDOWN_MS": "700",
        "BREAKER_LONGEST_COOLDOWN_MS": "1400",
    }
    Database(sqlite_url).dispose()
    with ExitStack() as workers:
        opened = Site(environment, redis_server.url, workers)
        yield opened
        workers.close()
        opened.close()


def test_a_burst_of_failures_pauses_the_queue_and_every_message_goes_out_once_it_is_over(
    site: Site, double: WhatsAppDouble
) -> None:
    double.script("*", *[DOWN] * 9)
    site.enqueue(MESSAGES)
    site.start()
    wait_until(lambda: site.completed() == MESSAGES, "the last message")

    assert site.breaker() == "closed"
    paused, resumed = site.events("paused"), site.events("resumed")
    assert "calls to the provider failed within 60 s" in paused[0]["why"]
    assert "temporarily unavailable" in paused[0]["why"]
    assert {entry["by"] for entry in paused + resumed} == {"breaker"}
    assert len(resumed) == 1
    assert len(paused) >= 2, "a probe failed as well"
    assert len({taken.job_id for taken in double.taken}) == len(double.taken) == MESSAGES
    # Six calls opened it; those who had failed before had one attempt used, nobody more.
    assert max(int(entry["attempt"]) for entry in site.events("completed")) <= 2
    assert site.store.queue_stats(QUEUE).breaker.opened == 1


def test_business_answers_don_t_open_it(site: Site, double: WhatsAppDouble) -> None:
    double.script("*", *[meta_error(131026)] * MESSAGES)
    jobs = site.enqueue(MESSAGES)
    site.start()
    wait_until(lambda: site.store.queue_stats(QUEUE).failed == MESSAGES, "the last refusal")
    assert all(site.store.job(job).attempt == 1 for job in jobs)
    assert site.events("paused") == []


def test_a_worker_killed_during_the_probe_leaves_it_to_another(site: Site, double: WhatsAppDouble) -> None:
    double.script("*", *[DOWN] * 6, Answer(delay_s=8))
    site.enqueue(MESSAGES)
    # One call at a time: none is under way when the breaker opens, so the slow answer is the probe's.
    site.start(at_once=1)
    wait_until(lambda: site.breaker() == "probing" and len(double.requests) == 7, "the probe")
    probe = site.client.hget(PREFIX + "breaker", "probe").decode()
    described = site.client.hget(PREFIX + "descriptions", site.store.job(probe).worker or "")
    os.kill(orjson.loads(described)["pid"], signal.SIGKILL)
    wait_until(lambda: site.completed() == MESSAGES, "the last message")

    assert site.breaker() == "closed"
    assert [entry["job"] for entry in site.events("stalled")] == [probe]
    assert site.store.job(probe).state is State.COMPLETED
    assert {entry["by"] for entry in site.events("resumed")} == {"breaker"}


def test_it_holds_and_lets_go_across_a_restart_of_redis(
    site: Site, double: WhatsAppDouble, redis_server: RedisServer
) -> None:
    double.script("*", *[DOWN] * 7)
    site.enqueue(MESSAGES)
    site.start()
    wait_until(lambda: site.breaker() == "open", "the open breaker")
    redis_server.restart()
    site.client.connection_pool.disconnect()
    wait_until(lambda: site.completed() == MESSAGES, "the last message")
    assert site.breaker() == "closed"
    assert len({taken.job_id for taken in double.taken}) == MESSAGES
