"""Prometheus metrics: the gateway's own requests, and the queues from their O(1) counters.

Under gunicorn, prometheus_client keeps each process's numbers in a file of PROMETHEUS_MULTIPROC_DIR and a scrape,
whichever process answers it, adds them up. Alone (tests) the registry of the application is enough.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.metrics_folder import MULTIPROC_DIR
from shared.errors import RedisUnavailable
from shared.job_records import QueueStats
from shared.job_store import JobStore

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

logger = logging.getLogger(__name__)


class RequestMetrics:
    """Counts and durations of requests, by method, route and status."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route")
        self._requests = Counter(
            "doko_http_requests", "Requests answered.", (*labels, "status"), registry=self.registry
        )
        self._durations = Histogram(
            "doko_http_request_duration_seconds",
            "Time from a request's arrival in the application to its answer.",
            labels,
            buckets=BUCKETS,
            registry=self.registry,
        )
        # Looking a child up by its labels costs more than counting with it.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._timers: dict[tuple[str, str], Histogram] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; ``route`` is its pattern, never the path, so that ids make no new series."""
        counter = self._counters.get((method, route, status))
        if counter is None:
            counter = self._counters[method, route, status] = self._requests.labels(method, route, str(status))
        counter.inc()
        timer = self._timers.get((method, route))
        if timer is None:
            timer = self._timers[method, route] = self._durations.labels(method, route)
        timer.observe(seconds)

    def exposition(self, store: JobStore) -> bytes:
        """The Prometheus text of all gateway processes and of the queues."""
        if os.environ.get(MULTIPROC_DIR):
            requests = CollectorRegistry()
            multiprocess.MultiProcessCollector(requests)  # type: ignore[no-untyped-call]
        else:
            requests = self.registry
        queues = CollectorRegistry()
        queues.register(QueueCollector(store))
        return generate_latest(requests) + generate_latest(queues)


class QueueCollector(Collector):
    """The queues' numbers at the moment of the scrape."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """All queue metrics; only ``doko_redis_up 0`` when Redis is away, so that the scrape itself lives on."""
        try:
            stats = list(self._store.stats().values())
        except RedisUnavailable as error:
            logger.warning("no queue metrics: %s", error)
            stats = []
            yield GaugeMetricFamily("doko_redis_up", "Whether Redis answered this scrape.", 0)
            return
        yield GaugeMetricFamily("doko_redis_up", "Whether Redis answered this scrape.", 1)
        yield from _queue_metrics(stats)


def _queue_metrics(stats: list[QueueStats]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("doko_queue_jobs", "Jobs in each state now.", labels=["queue", "state"])
    completed = CounterMetricFamily("doko_queue_completed", "Jobs ever completed.", labels=["queue"])
    backlog = GaugeMetricFamily("doko_queue_backlog", "Jobs that a worker could run now.", labels=["queue"])
    workers = GaugeMetricFamily("doko_queue_workers", "Workers alive.", labels=["queue"])
    paused = GaugeMetricFamily("doko_queue_paused", "1 while the queue is paused.", labels=["queue"])
    for queue in stats:
        label = [queue.queue.name]
        for state in ("waiting", "active", "failed", "delayed", "blocked", "cancelled"):
            jobs.add_metric([*label, state], getattr(queue, state))
        completed.add_metric(label, queue.completed)
        backlog.add_metric(label, queue.backlog)
        workers.add_metric(label, queue.workers)
        paused.add_metric(label, int(queue.is_paused))
    yield from (jobs, completed, backlog, workers, paused)
