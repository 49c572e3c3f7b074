"""What a worker says of itself: a real process, and its loops stopped one by one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import free_port
from deploy.local.redis_server import RedisServer
from shared.broker import DokoBroker, State, make_broker
from shared.broker.connection import connect
from shared.broker.consumer import JobConsumer
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.queues import Queue
from shared.settings import Settings
from tests.integration.gateway.conftest import EXAMPLE
from tests.integration.metrics.test_endpoint import eventually
from tests.kit.scraping import Scrape
from tests.kit.service_worker import service_worker, wait_for_job


def finished(url: str, outcome: str, seconds: float = 20) -> Scrape:
    """The scrape that counts a finish: Redis knows it a moment before the worker does."""
    deadline = time.monotonic() + seconds
    while True:
        scrape = Scrape(httpx.get(f"{url}/metrics").text)
        try:
            scrape.value("doko_jobs_finished_total", queue="WHATSAPP", name="message", outcome=outcome)
        except KeyError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return scrape


@pytest.mark.slow
def test_a_worker_process_counts_its_attempts_and_answers_probes(
    redis_server: RedisServer, sqlite_url: str, tmp_path: Path
) -> None:
    port = free_port()
    environment = {"REDIS_URL": redis_server.url, "DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path)}
    environment |= {"LOG_DIR": "", "METRICS_PORT": str(port)}
    broker = make_broker(Settings.from_environment(environment))
    store = JobStore(broker.scripts.client)
    url = f"http://127.0.0.1:{port}"
    with service_worker(Queue.WHATSAPP, environment):
        message = JobQueueService(broker).send_whatsapp_message(EXAMPLE["type"], EXAMPLE["recipient"], EXAMPLE["data"])
        wait_for_job(store, message.job_id, State.COMPLETED)
        eventually(f"{url}/readyz")
        scrape = finished(url, "completed")
        alive = httpx.get(f"{url}/healthz")
        redis_server.stop()
        unready = eventually(f"{url}/readyz", 503)
        still_alive = httpx.get(f"{url}/healthz")
        redis_server.start()
    broker.close()

    labels = {"queue": "WHATSAPP", "name": "message"}
    assert scrape.value("doko_jobs_finished_total", **labels, outcome="completed") == 1
    assert scrape.value("doko_job_duration_seconds_count", **labels) == 1
    assert scrape.value("doko_job_duration_seconds_bucket", **labels, le="+Inf") == 1
    assert scrape.value("doko_worker_threads", queue="WHATSAPP") == 5
    assert scrape.value("process_resident_memory_bytes") > 1_000_000
    assert (alive.status_code, still_alive.status_code) == (200, 200)
    assert unready.json()["parts"]["redis"]["ready"] is False


@pytest.fixture
def consumer(redis_url: str) -> Iterator[JobConsumer]:
    broker = DokoBroker(connect(redis_url))
    broker.declare_queue(Queue.WHATSAPP)
    consumer = broker.consume(Queue.WHATSAPP, timeout=50)
    yield consumer
    consumer.close()
    broker.close()


def quiet_for(consumer: JobConsumer, seconds: float, *, iterating: bool) -> None:
    """Wait until the worker has been quiet for so long."""
    deadline = time.monotonic() + 30
    while consumer._broker.quiet_s() < seconds:
        assert time.monotonic() < deadline
        if iterating:
            next(consumer)
        else:
            time.sleep(0.05)


def test_a_consumer_that_nobody_asks_for_jobs_makes_the_worker_quiet_until_it_goes_on(consumer: JobConsumer) -> None:
    quiet_for(consumer, 1.5, iterating=False)

    next(consumer)

    assert consumer._broker.quiet_s() < 1.5


def test_a_timekeeper_that_hangs_makes_the_worker_quiet_though_jobs_are_fetched(
    consumer: JobConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(consumer._broker.lifecycle, "check", lambda _: release.wait(60))

    quiet_for(consumer, 2.5, iterating=True)

    release.set()
    deadline = time.monotonic() + 30
    while consumer._broker.quiet_s() > 2:
        assert time.monotonic() < deadline
        next(consumer)
