"""Runs what is due: takes over abandoned runs, claims new ones, does them and confirms them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from shared import logs
from shared.broker.connection import UNREACHABLE
from shared.broker.options import NewJob
from shared.errors import InvalidOption, JobNotFound, RedisUnavailable
from shared.privacy import mask_text
from shared.schedules.model import Housekeeping, LastRun, Run, Schedule, ScheduledJob
from shared.schedules.store import DueSchedule, ScheduleStore

MOST_TRIES = 5
"""How often the function of a housekeeping run is tried; jobs have attempts of their own."""
RETRY_AFTER_MS = 60_000

Function = Callable[[], str]
"""Does a piece of housekeeping and says what it did; it must bear being repeated."""

_log = logs.get_logger()


class Enqueues(Protocol):
    """What the runner needs of the broker."""

    def add(self, job: NewJob) -> Any:
        """Enqueue one job, or raise."""


class FindsJobs(Protocol):
    """What the runner needs of the job store."""

    def job(self, job_id: str) -> Any:
        """The job, from Redis or the archive. Raises ``JobNotFound``."""


class ScheduleRunner:
    """The schedules' part of a scheduler process.

    ``functions`` is the housekeeping that this process can do; schedules of other names are left to others.
    """

    def __init__(
        self,
        store: ScheduleStore,
        broker: Enqueues,
        jobs: FindsJobs,
        functions: Mapping[str, Function],
        *,
        lease_ms: int = 30_000,
        retry_after_ms: int = RETRY_AFTER_MS,
    ) -> None:
        self._store = store
        self._broker = broker
        self._jobs = jobs
        self._functions = functions
        self._lease_ms = lease_ms
        self._retry_after_ms = retry_after_ms

    def run_jobs(self) -> int:
        """Enqueue the jobs of all schedules that are due; returns how many runs were done."""
        return sum(self._do(run, self._enqueue) for run in self._taken(ScheduledJob))

    def run_housekeeping(self) -> int:
        """Do the housekeeping that is due, one after another; returns how many runs were done."""
        return sum(self._do(run, self._housekeep) for run in self._taken(Housekeeping))

    def _taken(self, kind: type[ScheduledJob | Housekeeping]) -> Iterator[Run]:
        for run in self._store.abandoned():
            if self._is_ours(run.work, kind):
                taken = replace(run, token=_token(), tries=run.tries + 1)
                if self._store.take_over(run, taken, self._lease_ms):
                    yield taken
        for due in self._store.due():
            claimed = self._claim(due, kind)
            if claimed is not None:
                yield claimed

    def _claim(self, due: DueSchedule, kind: type[ScheduledJob | Housekeeping]) -> Run | None:
        try:
            schedule = Schedule.from_bytes(due.id, due.raw)
            if not self._is_ours(schedule.work, kind):
                return None
            next_due = schedule.timing.next_after(max(self._store.now(), due.due_at))
        except ValueError as error:
            # A zone that left the zone database must not stop the other schedules.
            _log.error("schedule.unreadable", message=f"Schedule {due.id} {error}", schedule=due.id)
            return None
        run = Run(due.id, due.due_at, schedule.work, token=_token())
        return run if self._store.claim(due, run, next_due, self._lease_ms) else None

    def _is_ours(self, work: ScheduledJob | Housekeeping, kind: type[ScheduledJob | Housekeeping]) -> bool:
        return isinstance(work, kind) and (not isinstance(work, Housekeeping) or work.name in self._functions)

    def _do(self, run: Run, do: Callable[[Run], str]) -> bool:
        """Do a claimed run and confirm it. Raises when Redis can't be reached: the run is taken over then."""
        if isinstance(run.work, Housekeeping) and run.tries > MOST_TRIES:
            self._confirm(run, is_successful=False, outcome=f"the process that ran it died {MOST_TRIES} times")
            return True
        try:
            outcome = do(run)
        except RedisUnavailable:
            raise
        except InvalidOption as error:
            self._confirm(run, is_successful=False, outcome=str(error))
        except Exception as error:  # noqa: BLE001 - one schedule that fails must not stop the others
            self._put_off(run, error)
            return False
        else:
            self._confirm(run, is_successful=True, outcome=outcome)
        return True

    def _enqueue(self, run: Run) -> str:
        if not isinstance(run.work, ScheduledJob) or run.job_id is None:
            raise TypeError(f"the run of {run.schedule_id} has no job")
        if run.tries > 1 and self._is_known(run.job_id):
            return "enqueued"
        answer = self._broker.add(run.work.new_job(run.job_id))
        return f"deduplicated: the unfinished job {answer.job_id} holds its key" if answer.deduplicated else "enqueued"

    def _is_known(self, job_id: str) -> bool:
        """Whether a scheduler that died enqueued the job, which may even have finished and left Redis since."""
        try:
            self._jobs.job(job_id)
        except JobNotFound:
            return False
        return True

    def _housekeep(self, run: Run) -> str:
        if not isinstance(run.work, Housekeeping):
            raise TypeError(f"the run of {run.schedule_id} has no housekeeping")
        with self._held(run):
            return self._functions[run.work.name]()

    @contextmanager
    def _held(self, run: Run) -> Iterator[None]:
        """Renew the run's lease while the block runs."""
        ended = threading.Event()

        def renew() -> None:
            while not ended.wait(self._lease_ms / 3000):
                try:
                    if not self._store.hold(run, self._lease_ms):
                        return
                except UNREACHABLE:
                    continue  # Redis comes back; if it takes too long, another scheduler begins the run again

        thread = threading.Thread(target=renew, name=f"schedule-lease-{run.schedule_id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _put_off(self, run: Run, error: Exception) -> None:
        message = f"A run of schedule {run.schedule_id} failed ({run.tries} of {MOST_TRIES} tries)"
        _log.error("schedule.failed", message=message, schedule=run.schedule_id, tries=run.tries, exc_info=error)
        if isinstance(run.work, Housekeeping) and run.tries >= MOST_TRIES:
            text = f"{type(error).__name__}: {mask_text(str(error))}"
            self._confirm(run, is_successful=False, outcome=text[:500])
        else:
            self._store.hold(run, self._retry_after_ms)

    def _confirm(self, run: Run, *, is_successful: bool, outcome: str) -> None:
        finished: datetime = self._store.now()
        last = LastRun(run.due_at, finished, is_successful, run.job_id, outcome)
        if self._store.confirm(run, last):
            message = f"Schedule {run.schedule_id} ran: {outcome}"
            _log.info("schedule.ran", message=message, schedule=run.schedule_id, job_id=run.job_id, ok=is_successful)


def _token() -> str:
    return os.urandom(8).hex()
