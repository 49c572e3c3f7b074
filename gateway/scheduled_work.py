"""The schedules' part of the scheduler process: those of the start are made sure of, then what is due is run."""

from __future__ import annotations

from functools import partial

from gateway.default_schedules import default_schedules
from gateway.housekeeping import FUNCTIONS, Parts
from shared.broker import DokoBroker, EngineConfig, connect
from shared.database import Database
from shared.database.archive_reader import DatabaseArchive
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.schedules import ScheduleRunner, ScheduleStore
from shared.settings import Settings


class ScheduledWork:
    """Runs the schedules of ``settings``; jobs and housekeeping in two threads, so that neither waits for the other."""

    def __init__(self, settings: Settings, database: Database, broker: DokoBroker) -> None:
        client = connect(settings)
        jobs = JobStore(client, DatabaseArchive(database), EngineConfig.from_settings(settings))
        parts = Parts(settings, database, jobs, JobQueueService(broker, clock=settings.clock()))
        functions = {name: partial(function, parts) for name, function in FUNCTIONS.items()}
        self._settings = settings
        self._store = ScheduleStore(client, settings.clock_offset)
        self._runner = ScheduleRunner(self._store, broker, jobs, functions, lease_ms=settings.lease_ms)
        self._is_seeded = False

    def run_jobs(self) -> int:
        """Enqueue the jobs that are due; returns how many runs were done."""
        if not self._is_seeded:
            for schedule in default_schedules(self._settings, self._store.now()):
                self._store.seed(schedule)
            self._is_seeded = True
        return self._runner.run_jobs()

    def run_housekeeping(self) -> int:
        """Do the housekeeping that is due; returns how many runs were done."""
        return self._runner.run_housekeeping()
