"""What gateway and scheduler show of the queues, read from a real Redis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from deploy.local.ports import free_port
from deploy.local.redis_server import RedisServer
from deploy.local.up import processes
from shared.metrics.queues import QueueCollector
from shared.queues import Queue
from shared.schedules import Cron, Housekeeping, Schedule, ScheduleStore
from tests.integration.metrics.test_endpoint import eventually
from tests.kit.engine import QUEUE, Engine
from tests.kit.gateway_process import running
from tests.kit.scraping import Scrape


@pytest.fixture
def engine(redis_server: RedisServer) -> Iterator[Engine]:
    engine = Engine(redis_server.url)
    yield engine
    engine.close()


@pytest.fixture
def scrape(engine: Engine) -> Callable[[], Scrape]:
    registry = CollectorRegistry()
    registry.register(QueueCollector(engine.store, ScheduleStore(engine.client), engine.client))
    return lambda: Scrape(generate_latest(registry).decode())


def jobs(scrape: Scrape) -> dict[str, float]:
    states = ("waiting", "active", "delayed", "blocked", "failed", "cancelled")
    return {state: scrape.value("doko_queue_jobs", queue=QUEUE.name, state=state) for state in states}


def test_jobs_are_shown_by_state_and_totals_only_rise(engine: Engine, scrape: Callable[[], Scrape]) -> None:
    worker = engine.raw_worker()
    engine.add_ids(4)
    engine.add(delay_ms=60_000)
    worker.finish(worker.take())
    worker.finish(worker.take(), "failed", {"type": "ValueError", "message": "boom"})
    worker.take()
    engine.store.cancel(engine.add(delay_ms=60_000).job_id, "me")

    seen = scrape()

    assert jobs(seen) == {"waiting": 1, "active": 1, "delayed": 1, "blocked": 0, "failed": 1, "cancelled": 1}
    totals = [seen.value(f"doko_queue_{what}_total", queue=QUEUE.name) for what in ("completed", "failed", "cancelled")]
    assert totals == [1, 1, 1]
    assert seen.value("doko_queue_backlog", queue=QUEUE.name) == 1
    assert seen.value("doko_archive_lag_events", queue=QUEUE.name) == len(engine.stream())


def test_a_stall_a_duplicate_and_a_pause_are_shown(engine: Engine, scrape: Callable[[], Scrape]) -> None:
    engine.add(deduplication_key="k")
    engine.add(deduplication_key="k")
    engine.raw_worker().take()
    engine.expire_leases()
    engine.sweep()
    engine.store.pause(QUEUE, "me", "why not")

    seen = scrape()

    assert seen.value("doko_jobs_stalled_total", queue=QUEUE.name) == 1
    assert seen.value("doko_deduplicated_total", queue=QUEUE.name) == 1
    assert seen.value("doko_queue_paused", queue=QUEUE.name) == 1
    assert seen.value("doko_queue_paused", queue=Queue.WHATSAPP.name) == 0


def test_jobs_behind_the_limit_of_their_group_are_parked(engine: Engine, scrape: Callable[[], Scrape]) -> None:
    whatsapp = Engine(engine.url, queue=Queue.WHATSAPP)
    whatsapp.store.set_limits(Queue.WHATSAPP, group_cap=1)
    whatsapp.broker.add_many([whatsapp.job("message", {"recipient": "+9779800000000"}) for _ in range(3)])
    whatsapp.close()

    assert scrape().value("doko_queue_parked", queue="WHATSAPP") == 2


def test_what_limits_held_back_and_an_open_breaker_are_shown(engine: Engine, scrape: Callable[[], Scrape]) -> None:
    engine.store.set_limits(QUEUE, cap=1)
    engine.add_ids(2)
    worker = engine.raw_worker()
    worker.take()
    worker.fetch()
    closed = scrape()
    opened = {"breaker": "open", "breaker_since": 1, "breaker_why": "x", "breaker_probe_at": 2, "breaker_opened": 3}
    engine.client.hset(f"{engine.prefix}meta", mapping=opened)

    seen = scrape()

    assert closed.value("doko_breaker_open", queue=QUEUE.name) == 0
    assert seen.value("doko_breaker_open", queue=QUEUE.name) == 1
    assert seen.value("doko_breaker_opened_total", queue=QUEUE.name) == 3
    assert seen.value("doko_limited_total", queue=QUEUE.name, limit="concurrency") == 1
    assert seen.value("doko_limited_total", queue=QUEUE.name, limit="rate") == 0


def test_the_age_of_the_next_job_and_the_memory_are_shown(engine: Engine, scrape: Callable[[], Scrape]) -> None:
    assert scrape().value("doko_queue_oldest_waiting_seconds", queue=QUEUE.name) == 0
    job = engine.add()
    key = f"{engine.prefix}job:{job.job_id}"
    created, _, message = engine.client.hget(key, "msg").partition(b"|")
    engine.client.hset(key, "msg", b"%d|%b" % (int(created) - 90_000, message))
    engine.client.config_set("maxmemory", 512 * 1024 * 1024)

    seen = scrape()
    engine.client.config_set("maxmemory", 0)

    assert 90 <= seen.value("doko_queue_oldest_waiting_seconds", queue=QUEUE.name) < 150
    assert seen.value("doko_redis_max_memory_bytes") == 512 * 1024 * 1024
    assert seen.value("doko_redis_used_memory_bytes") > 100_000


def test_a_schedule_that_nobody_runs_makes_the_lag_grow(engine: Engine, scrape: Callable[[], Scrape]) -> None:
    assert scrape().value("doko_schedule_lag_seconds") == 0
    late = LateStore(engine.client)
    now = datetime.now(UTC)
    late.create(
        Schedule(
            id="tidy",
            timing=Cron("* * * * *", "UTC"),
            work=Housekeeping("tidy"),
            zone="UTC",
            created_at=now,
            created_by="test",
            updated_at=now,
            updated_by="test",
        )
    )

    assert 3_500 < scrape().value("doko_schedule_lag_seconds") < 3_700


class LateStore(ScheduleStore):
    """Believes that it is an hour ago, so that what it creates has been due for an hour."""

    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(hours=1)


def test_a_scrape_costs_redis_the_same_however_many_jobs_there_are(
    engine: Engine, scrape: Callable[[], Scrape]
) -> None:
    engine.add()
    scrape()
    few = cost(engine, scrape)
    engine.add_ids(1_000)
    engine.add_ids(1_000, delay_ms=60_000)

    assert cost(engine, scrape) == few


def cost(engine: Engine, act: Callable[[], object]) -> Counter[str]:
    """How often Redis ran each command meanwhile, inside scripts too."""
    before = _commands(engine.client)
    act()
    return _commands(engine.client) - before


def _commands(client: Any) -> Counter[str]:
    stats = client.info("commandstats")
    return Counter({name: int(one["calls"]) for name, one in stats.items() if name != "cmdstat_info"})


@pytest.mark.slow
def test_the_scheduler_process_serves_its_metrics_and_probes(
    redis_server: RedisServer, sqlite_url: str, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {"REDIS_URL": redis_server.url, "DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path)}
    with running("scheduler", environment | {"LOG_DIR": "", "METRICS_PORT": str(port)}):
        eventually(f"{url}/readyz")
        seen = Scrape(httpx.get(f"{url}/metrics").text)
        alive = httpx.get(f"{url}/healthz").status_code

    assert alive == 200
    assert seen.value("doko_redis_up") == seen.value("doko_database_up") == 1
    assert seen.value("doko_outbox_jobs") == 0


def test_under_make_up_each_process_but_the_gateway_has_a_port_of_its_own() -> None:
    parts = processes({"REDIS_URL": "redis://here"}, 9191)
    ports = {part.name: part.environment.get("METRICS_PORT") for part in parts}

    assert ports.pop("gateway") is None
    assert sorted(map(str, ports.values())) == [str(9191 + number) for number in range(len(Queue) + 1)]
    assert ports["scheduler"] == "9191"
    assert all("METRICS_PORT" not in part.environment for part in processes({}, None))
