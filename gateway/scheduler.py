"""The scheduler process: schedules, the engine's upkeep, the archive of finished jobs, what the outbox left behind.

Each part runs in a thread of its own: one that fails is logged, waits longer each time, and never stops the others.
Several schedulers at once do no harm.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

from gateway.bulk.acting import Actor
from gateway.bulk.runner import BulkRunner
from gateway.scheduled_work import ScheduledWork
from gateway.scheduler_probes import scheduler_probes
from shared import logs
from shared.broker import DokoBroker, EngineConfig, connect, make_broker
from shared.broker.keeper import Keeper
from shared.broker.server_check import warn_of_unsafe_server
from shared.database import Database
from shared.database.archive import Archiver
from shared.database.archive_reader import DatabaseArchive
from shared.database.chain_check import heads
from shared.database.index_reader import DatabaseIndex
from shared.database.retention import Retention, remove_expired
from shared.endpoint import Endpoint
from shared.job_removal import JobRemoval
from shared.job_store import JobStore
from shared.outbox import Relay
from shared.sentry import configure_sentry
from shared.settings import Settings

ARCHIVE_EVERY_S = 0.5
BULK_EVERY_S = 0.5
RELAY_EVERY_S = 1.0
RETENTION_EVERY_S = 3_600.0
HEADS_EVERY_S = 3_600.0
SCHEDULES_EVERY_S = 1.0
LONGEST_WAIT_S = 30.0
STUCK_AFTER_S = 300.0

_log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Part:
    """Something to do again and again, ``every_s`` seconds after it was done."""

    name: str
    run_once: Callable[[], object]
    every_s: float
    stuck_after_s: float = math.inf
    """No run takes longer: then the process should be restarted. Infinite for parts with long runs."""

    def wait_s(self, failures: int) -> float:
        """The pause before the next run: twice as long after each failure in a row, at most 30 s."""
        return min(LONGEST_WAIT_S, self.every_s * 2.0 ** min(failures, 20))


@dataclass(slots=True)
class Progress:
    """What a part has done: when (monotonic seconds) it last ended a run, when without an error, failures in all."""

    stuck_after_s: float
    came_round_s: float = field(default_factory=time.monotonic)
    succeeded_s: float = field(default_factory=time.monotonic)
    failures: int = 0

    def is_stuck(self) -> bool:
        """Whether a run goes on for longer than any should."""
        return time.monotonic() - self.came_round_s > self.stuck_after_s


class Scheduler:
    """Runs its parts until ``stop``."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._stopping = threading.Event()
        self.progress = {part.name: Progress(part.stuck_after_s) for part in parts}
        self._threads = [
            threading.Thread(target=self._repeat, args=(part,), name=f"scheduler-{part.name}") for part in parts
        ]

    def run(self) -> None:
        """Run the parts and return when all have ended after ``stop``; what a part is doing then is finished."""
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Let every part finish what it does."""
        self._stopping.set()

    def stuck(self) -> str:
        """Why this process should be restarted: a part that has not come round for too long, or whose thread died."""
        if self._stopping.is_set():
            return ""
        dead = [thread.name for thread in self._threads if thread.ident is not None and not thread.is_alive()]
        stuck = [name for name, progress in self.progress.items() if progress.is_stuck()]
        return f"not moving: {', '.join([*dead, *stuck])}" if dead or stuck else ""

    def _repeat(self, part: Part) -> None:
        failures = 0
        progress = self.progress[part.name]
        while not self._stopping.is_set():
            try:
                part.run_once()
            except Exception as error:  # noqa: BLE001 - Redis and the database come back; a defect must not end the rest
                failures += 1
                progress.failures += 1
                message = f"The scheduler's {part.name} failed ({failures} in a row) and runs again soon"
                _log.error("scheduler.failed", message=message, part=part.name, failures=failures, exc_info=error)
            else:
                if failures:
                    _log.info("scheduler.recovered", message=f"The scheduler's {part.name} works again", part=part.name)
                failures = 0
                progress.succeeded_s = time.monotonic()
            progress.came_round_s = time.monotonic()
            self._stopping.wait(part.wait_s(failures))


def log_heads(database: Database) -> int:
    """Log the head of each hash chain: a log that is kept elsewhere shows later whether a chain was cut off."""
    found = heads(database)
    for name, link in found.items():
        if link.seq:
            kept = f"{name}:{link.seq}:{link.hash.hex()}"
            _log.info("audit.head", message="The head of an audit chain", head=kept)
    return len(found)


def _bulk_runner(settings: Settings, database: Database, broker: DokoBroker) -> BulkRunner:
    client = connect(settings)
    index = DatabaseIndex(database)
    store = JobStore(client, DatabaseArchive(database), EngineConfig.from_settings(settings), index)
    return BulkRunner(database, store.finder, Actor(store, JobRemoval(client), broker))


def main(settings: Settings) -> None:
    """Run the scheduler until SIGTERM or SIGINT."""
    logs.configure(settings, "scheduler")
    configure_sentry(settings)
    database = Database(settings.database_url, application_name="doko-scheduler")
    broker = make_broker(settings)
    keeper = Keeper(connect(settings), EngineConfig.from_settings(settings))
    schedules = ScheduledWork(settings, database, broker)
    warn_of_unsafe_server(broker.scripts.client)
    scheduler = Scheduler(
        [
            Part("keeper", keeper.run_once, settings.sweep_interval_ms / 1000, STUCK_AFTER_S),
            Part("archiver", Archiver(database, connect(settings)).run_once, ARCHIVE_EVERY_S),
            Part("relay", Relay(database, broker).run_once, RELAY_EVERY_S),
            Part("schedules", schedules.run_jobs, SCHEDULES_EVERY_S, STUCK_AFTER_S),
            Part("housekeeping", schedules.run_housekeeping, SCHEDULES_EVERY_S),
            Part("heads", partial(log_heads, database), HEADS_EVERY_S),
            Part("bulk operations", _bulk_runner(settings, database, broker).run_once, BULK_EVERY_S),
            Part("retention", partial(remove_expired, database, Retention()), RETENTION_EVERY_S),
        ]
    )

    if settings.metrics_port is not None:
        Endpoint(settings.host, settings.metrics_port, scheduler_probes(scheduler, settings, database)).start()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        scheduler.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    _log.info("scheduler.started", message="Scheduler started")
    scheduler.run()
    _log.info("scheduler.stopped", message="Scheduler stopped")
    database.dispose()
    logs.flush()
