"""What the scheduler's endpoint tells: how its parts get on, the queues, the outbox, and whether it moves at all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from shared.broker import connect
from shared.database import Database
from shared.endpoint import Probes
from shared.health import TIMEOUT_S, Health
from shared.job_store import JobStore
from shared.metrics.outbox import OutboxCollector
from shared.metrics.queues import QueueCollector
from shared.schedules import ScheduleStore
from shared.settings import Settings

if TYPE_CHECKING:
    from gateway.scheduler import Progress, Scheduler


class PartsCollector(Collector):
    """Failures and idleness of the scheduler's parts."""

    def __init__(self, progress: Mapping[str, Progress]) -> None:
        self._progress = progress

    @override
    def collect(self) -> Iterator[Metric]:
        failures = CounterMetricFamily("doko_scheduler_failures", "Runs of a part that failed.", labels=["part"])
        age = GaugeMetricFamily(
            "doko_scheduler_success_age_seconds", "Since a part last ran without an error.", labels=["part"]
        )
        now_s = time.monotonic()
        for name, progress in self._progress.items():
            failures.add_metric([name], progress.failures)
            age.add_metric([name], now_s - progress.succeeded_s)
        yield from (failures, age)


def scheduler_probes(scheduler: Scheduler, settings: Settings, database: Database) -> Probes:
    """The scheduler's metrics and probes; its Redis client is its own, with a short timeout."""
    client = connect(settings, socket_timeout_s=TIMEOUT_S)
    registry = CollectorRegistry()
    registry.register(PartsCollector(scheduler.progress))
    registry.register(QueueCollector(JobStore(client), ScheduleStore(client, settings.clock_offset), client))
    registry.register(OutboxCollector(database))
    ProcessCollector(registry=registry)
    return Probes(
        registry=registry,
        stuck=scheduler.stuck,
        unready=lambda: "",
        health=Health({"redis": client.ping, "database": database.ping}),
    )
