"""What every worker process is wired with: settings, logs, Sentry, broker, database, and its queue's limits."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass

import dramatiq

from shared import logs
from shared.actors import ActorRegistry
from shared.broker import DokoBroker, connect, make_broker
from shared.database.session import Database
from shared.endpoint import Endpoint, Probes
from shared.errors import RedisUnavailable
from shared.health import TIMEOUT_S, Health
from shared.job_store import JobStore
from shared.metrics.work import worker_registry
from shared.queues import POLICIES, Queue
from shared.sentry import configure_sentry, report_failures
from shared.settings import Settings

AGAIN_S = 0.5
STUCK_AFTER_S = 60.0
"""A loop that hasn't come round for so long won't any more: the longest call into a Redis that hangs takes 20 s."""

Limits = Callable[[JobStore, Settings], None]

_log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """The parts of one worker process, for its service to build its actors with."""

    queue: Queue
    settings: Settings
    broker: DokoBroker
    database: Database
    store: JobStore

    def run(self, actors: ActorRegistry) -> None:
        """Bind the actors and hand the broker to Dramatiq."""
        actors.bind(self.broker, self.database)
        dramatiq.set_broker(self.broker)
        if self.settings.metrics_port is not None:
            Endpoint(self.settings.host, self.settings.metrics_port, worker_probes(self)).start()
        # Going through all that was imported, again and again, stopped busy jobs for 60 ms: what is there now stays.
        gc.collect()
        gc.freeze()


def worker_parts(queue: Queue) -> WorkerParts:
    """Make the parts from the environment. ConfigurationError names a wrong setting."""
    folder = POLICIES[queue].folder
    settings = Settings.from_environment()
    logs.configure(settings, f"worker-{folder}")
    configure_sentry(settings)
    broker = make_broker(settings, queue=queue)
    report_failures(broker)
    database = Database(settings.database_url, application_name=f"doko-{folder}")
    return WorkerParts(queue, settings, broker, database, JobStore(connect(settings)))


def worker_probes(parts: WorkerParts) -> Probes:
    """What a worker's endpoint tells: its metrics, and whether its loops come round and its parts answer."""
    broker = parts.broker

    def stuck() -> str:
        quiet_s = broker.quiet_s()
        return f"nothing has moved for {quiet_s:.0f} s" if quiet_s > STUCK_AFTER_S else ""

    probe = connect(parts.settings, socket_timeout_s=TIMEOUT_S)
    return Probes(
        registry=worker_registry(broker, parts.queue),
        stuck=stuck,
        unready=lambda: "takes no jobs: it starts or stops" if broker.stopping else "",
        health=Health({"redis": probe.ping, "database": parts.database.ping}),
    )


def set_cap(store: JobStore, settings: Settings, queue: Queue) -> None:
    """Apply the configured cap on running jobs over all replicas; what an operator set goes on holding."""
    store.set_limits(queue, cap=settings.global_concurrency.get(queue))


def limit_when_redis_answers(parts: WorkerParts, limits: Limits | None = None) -> None:
    """Set the queue's cap, and its other ``limits``, now or once Redis is there.

    Like a running worker, a starting one outlives its absence.
    """
    try:
        _limit(parts, limits)
    except RedisUnavailable:
        message = "Redis is away: the queue's limits are set when it answers"
        _log.warning("queue.unlimited", message=message, queue=parts.queue.value)
        threading.Thread(target=_limit_later, args=(parts, limits), name="limits", daemon=True).start()


def _limit(parts: WorkerParts, limits: Limits | None) -> None:
    set_cap(parts.store, parts.settings, parts.queue)
    if limits is not None:
        limits(parts.store, parts.settings)


def _limit_later(parts: WorkerParts, limits: Limits | None) -> None:
    pause = threading.Event()
    while True:
        pause.wait(AGAIN_S)
        try:
            _limit(parts, limits)
        except RedisUnavailable:
            continue
        _log.info("queue.limited", message="The queue's limits are set", queue=parts.queue.value)
        return
