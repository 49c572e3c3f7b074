"""The scheduler process: schedules, the engine's upkeep, the archive of finished jobs, what the outbox left behind.

Each part runs in a thread of its own: one that fails is logged, waits longer each time, and never stops the others.
Several schedulers at once do no harm.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import FrameType

from gateway.scheduled_work import ScheduledWork
from shared import logs
from shared.broker import EngineConfig, connect, make_broker
from shared.broker.keeper import Keeper
from shared.broker.server_check import warn_of_unsafe_server
from shared.database import Database
from shared.database.archive import Archiver
from shared.database.retention import Retention, remove_expired
from shared.outbox import Relay
from shared.sentry import configure_sentry
from shared.settings import Settings

ARCHIVE_EVERY_S = 0.5
RELAY_EVERY_S = 1.0
RETENTION_EVERY_S = 3_600.0
SCHEDULES_EVERY_S = 1.0
LONGEST_WAIT_S = 30.0

_log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Part:
    """Something to do again and again, ``every_s`` seconds after it was done."""

    name: str
    run_once: Callable[[], object]
    every_s: float

    def wait_s(self, failures: int) -> float:
        """The pause before the next run: twice as long after each failure in a row, at most 30 s."""
        return min(LONGEST_WAIT_S, self.every_s * 2.0 ** min(failures, 20))


class Scheduler:
    """Runs its parts until ``stop``."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._stopping = threading.Event()
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

    def _repeat(self, part: Part) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                part.run_once()
            except Exception as error:  # noqa: BLE001 - Redis and the database come back; a defect must not end the rest
                failures += 1
                message = f"The scheduler's {part.name} failed ({failures} in a row) and runs again soon"
                _log.error("scheduler.failed", message=message, part=part.name, failures=failures, exc_info=error)
            else:
                if failures:
                    _log.info("scheduler.recovered", message=f"The scheduler's {part.name} works again", part=part.name)
                failures = 0
            self._stopping.wait(part.wait_s(failures))


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
            Part("keeper", keeper.run_once, settings.sweep_interval_ms / 1000),
            Part("archiver", Archiver(database, connect(settings)).run_once, ARCHIVE_EVERY_S),
            Part("relay", Relay(database, broker).run_once, RELAY_EVERY_S),
            Part("schedules", schedules.run_jobs, SCHEDULES_EVERY_S),
            Part("housekeeping", schedules.run_housekeeping, SCHEDULES_EVERY_S),
            Part("retention", partial(remove_expired, database, Retention()), RETENTION_EVERY_S),
        ]
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        scheduler.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    _log.info("scheduler.started", message="Scheduler started")
    scheduler.run()
    _log.info("scheduler.stopped", message="Scheduler stopped")
    database.dispose()
    logs.flush()
