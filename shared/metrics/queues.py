"""What Redis knows of all queues: shown by the gateway and the scheduler, the same wherever it is read."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import redis
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from shared.broker.clients import servers_of
from shared.broker.connection import UNREACHABLE
from shared.errors import RedisUnavailable
from shared.job_records import QueueStats
from shared.job_store import JobStore
from shared.schedules import ScheduleStore

STATES = ("waiting", "active", "failed", "delayed", "blocked", "cancelled")
LIMITS = ("rate", "concurrency", "groups", "clients")
_GAUGES = {
    "doko_queue_backlog": "Jobs that a worker could run now.",
    "doko_queue_oldest_waiting_seconds": "Age of the oldest job that is next of its priority; 0 if none waits.",
    "doko_queue_parked": "Waiting jobs that their group's limit holds back.",
    "doko_queue_paused": "1 while the queue is paused.",
    "doko_queue_workers": "Workers alive.",
    "doko_breaker_open": "1 while the circuit breaker of the queue's provider is not closed.",
    "doko_archive_lag_events": "Events that the archive has not read yet.",
}
_COUNTERS = {
    "doko_queue_completed": "Jobs ever completed.",
    "doko_queue_failed": "Jobs ever failed for good.",
    "doko_queue_cancelled": "Jobs ever cancelled.",
    "doko_jobs_stalled": "Attempts whose worker vanished.",
    "doko_deduplicated": "Enqueued jobs for which another one stood.",
    "doko_breaker_opened": "How often the circuit breaker of the queue's provider opened.",
}

_AWAY: tuple[type[Exception], ...] = (RedisUnavailable, redis.exceptions.RedisError, *UNREACHABLE)

logger = logging.getLogger(__name__)


class QueueCollector(Collector):
    """The queues' numbers, the schedules' lag and Redis' memory at the moment of the scrape."""

    def __init__(self, store: JobStore, schedules: ScheduleStore, client: redis.Redis) -> None:
        self._store = store
        self._schedules = schedules
        self._client: Any = client  # redis-py types its replies as bytes, text or awaitables at once

    @override
    def collect(self) -> Iterator[Metric]:
        """All metrics; only ``doko_redis_up 0`` when Redis is away, so that the scrape itself lives on."""
        try:
            stats = list(self._store.stats().values())
            lag_s = self._schedules.lag_s()
            memory = max((server.info("memory") for server in servers_of(self._client)), key=_fullness)
        except _AWAY as error:
            logger.warning("no queue metrics: %s", error)
            yield _gauge("doko_redis_up", "Whether Redis answered this scrape.", 0)
            return
        yield _gauge("doko_redis_up", "Whether Redis answered this scrape.", 1)
        yield _gauge(
            "doko_redis_used_memory_bytes",
            "Memory that Redis uses (of a cluster, its fullest server).",
            memory["used_memory"],
        )
        yield _gauge("doko_redis_max_memory_bytes", "Memory that Redis may use; 0: no limit.", memory["maxmemory"])
        yield _gauge("doko_schedule_lag_seconds", "How long the most overdue schedule has been due.", lag_s)
        yield from _of_queues(stats)


def _fullness(memory: dict[str, int]) -> tuple[float, int]:
    """What tells the fullest server of a cluster: the share of its limit, or else the bytes."""
    limit = memory["maxmemory"]
    return (memory["used_memory"] / limit if limit else 0.0, memory["used_memory"])


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _of_queues(stats: list[QueueStats]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("doko_queue_jobs", "Jobs in each state now.", labels=["queue", "state"])
    families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {
        name: GaugeMetricFamily(name, text, labels=["queue"]) for name, text in _GAUGES.items()
    }
    families |= {name: CounterMetricFamily(name, text, labels=["queue"]) for name, text in _COUNTERS.items()}
    limited = CounterMetricFamily(
        "doko_limited", "Fetches, groups and requests that a limit held back.", labels=["queue", "limit"]
    )
    for queue in stats:
        for limit in LIMITS:
            limited.add_metric([queue.queue.name, limit], getattr(queue.limited, limit))
        for state in STATES:
            jobs.add_metric([queue.queue.name, state], getattr(queue, state))
        for name, value in _values(queue).items():
            families[name].add_metric([queue.queue.name], value)
    yield jobs
    yield limited
    yield from families.values()


def _values(queue: QueueStats) -> dict[str, float]:
    return {
        "doko_queue_backlog": queue.backlog,
        "doko_queue_oldest_waiting_seconds": (queue.oldest_waiting_ms or 0) / 1000,
        "doko_queue_parked": queue.parked,
        "doko_queue_paused": int(queue.is_paused),
        "doko_queue_workers": queue.workers,
        "doko_archive_lag_events": queue.events,
        "doko_queue_completed": queue.completed,
        "doko_queue_failed": queue.total_failed,
        "doko_queue_cancelled": queue.total_cancelled,
        "doko_jobs_stalled": queue.stalled,
        "doko_deduplicated": queue.deduplicated,
        "doko_breaker_open": int(queue.breaker.since_ms is not None),
        "doko_breaker_opened": queue.breaker.opened,
    }
