"""What a worker process shows of its own work."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from shared.broker import DokoBroker
from shared.broker.tally import BOUNDS_MS, Durations, Tally
from shared.queues import POLICIES, Queue

_LIMITS = [*(str(bound / 1000) for bound in BOUNDS_MS), "+Inf"]


class WorkCollector(Collector):
    """Finished attempts, their durations, and how busy the worker's threads are."""

    def __init__(self, broker: DokoBroker, queue: Queue) -> None:
        self._broker = broker
        self._queue = queue

    @override
    def collect(self) -> Iterator[Metric]:
        yield from _attempts(self._broker.tally)
        label = [self._queue.name]
        for name, text, value in (
            ("doko_worker_threads", "Jobs that this worker can run at once.", self._broker.worker_threads),
            ("doko_worker_busy_threads", "Jobs that this worker holds.", self._broker.held_count()),
            ("doko_worker_quiet_seconds", "Since the slowest loop came round.", self._broker.quiet_s()),
        ):
            gauge = GaugeMetricFamily(name, text, labels=["queue"])
            gauge.add_metric(label, value)
            yield gauge


def worker_registry(broker: DokoBroker, queue: Queue) -> CollectorRegistry:
    """All that a worker of ``queue`` shows."""
    registry = CollectorRegistry()
    registry.register(WorkCollector(broker, queue))
    ProcessCollector(registry=registry)
    return registry


def _attempts(tally: Tally) -> Iterator[Metric]:
    labels = ["queue", "name"]
    finished = CounterMetricFamily("doko_jobs_finished", "Attempts that ended, and how.", labels=[*labels, "outcome"])
    # Copied in one step: the worker's threads go on counting.
    for (queue_name, name, outcome), count in list(tally.finished.items()):
        finished.add_metric([_label(queue_name), name, outcome], count)
    durations = HistogramMetricFamily("doko_job_duration_seconds", "How long attempts ran.", labels=labels)
    for (queue_name, name), one in list(tally.durations.items()):
        durations.add_metric([_label(queue_name), name], _buckets(one), one.sum_ms / 1000)
    yield from (finished, durations)


def _label(queue_name: str) -> str:
    # A queue outside the table, of the plain Dramatiq model, is known by its name only.
    return Queue(queue_name).name if queue_name in POLICIES else queue_name


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    return list(zip(_LIMITS, accumulate(durations.counts), strict=True))
