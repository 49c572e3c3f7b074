"""Prometheus metrics of the gateway: its own requests, and the queues (``shared/metrics/queues.py``).

Under gunicorn, prometheus_client keeps each process's numbers in a file of PROMETHEUS_MULTIPROC_DIR and a scrape,
whichever process answers it, adds them up. Alone (tests) the registry of the application is enough.
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

from gateway.metrics_folder import MULTIPROC_DIR
from shared.metrics.queues import QueueCollector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LIMITED = 429


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
        self._limited = Counter(
            "doko_client_limited", "Requests refused because their token made too many.", registry=self.registry
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
        if status == LIMITED:
            self._limited.inc()
        timer = self._timers.get((method, route))
        if timer is None:
            timer = self._timers[method, route] = self._durations.labels(method, route)
        timer.observe(seconds)

    def exposition(self, queues: QueueCollector) -> bytes:
        """The Prometheus text of all gateway processes and of the queues."""
        if os.environ.get(MULTIPROC_DIR):
            requests = CollectorRegistry()
            multiprocess.MultiProcessCollector(requests)  # type: ignore[no-untyped-call]
        else:
            requests = self.registry
        of_queues = CollectorRegistry()
        of_queues.register(queues)
        return generate_latest(requests) + generate_latest(of_queues)
