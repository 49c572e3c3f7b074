"""The stage of a crash test: Redis, a database, a producer, and the questions that every test asks at its end."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from shared.broker import DokoBroker, EngineConfig, JobOptions, NewJob, connect, keys
from shared.database import Database
from shared.database.migrate import migrate
from shared.job_records import QueueStats
from shared.job_store import JobStore
from shared.queues import Queue
from shared.settings import Settings
from tests.chaos.fleet import Fleet, wait_for
from tests.chaos.worker_app import QUEUE

SETTLE_S = 0.05
SOAK = os.environ.get("SOAK") == "1"
EVENTS_A_READ = 10_000


def report(figures: str) -> None:
    """Print a round's figures: they are what a soak is run for."""
    sys.stdout.write(f"\n{figures}\n")


@dataclass(frozen=True)
class Run:
    """One execution of a job; ``at`` is epoch seconds."""

    job_id: str
    pid: int
    at: float
    attempt: int
    stalls: int


class Stage:
    """Everything around the workers of one test. ``redis_url`` is direct, whatever the workers use."""

    def __init__(
        self,
        folder: Path,
        redis_url: str,
        *,
        lease_ms: int,
        threads: int,
        worker_redis_url: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.lease_s = lease_ms / 1000
        self.environment = {
            "PATH": os.environ["PATH"],
            "REDIS_URL": worker_redis_url or redis_url,
            "DATABASE_URL": f"sqlite:///{folder / 'chaos.db'}",
            "LOG_DIR": "",
            "LEASE_MS": str(lease_ms),
            "SWEEP_INTERVAL_MS": "2000" if SOAK else "200",
            "SHUTDOWN_GRACE_MS": "10000",
            "EVENTS_MAX": "100000000",
            "ORDER_PROCESSING_KEEP_COMPLETED": "100000",
            **(environment or {}),
        }
        settings = Settings.from_environment(self.environment)
        migrate(settings.database_url)
        self.database = Database(settings.database_url)
        self._create_tables()
        # Typed as Any: redis-py's answers may be text or bytes, these are bytes.
        self.client: Any = connect(Settings.from_environment({"REDIS_URL": redis_url}))
        self.store = JobStore(self.client)
        self.producer = DokoBroker(self.client, EngineConfig.from_settings(settings))
        self.fleet = Fleet(self.environment, folder, threads=threads)

    def close(self) -> None:
        """End the workers and let go of everything."""
        self.fleet.stop()
        self.producer.close()
        self.client.close()
        self.database.dispose()

    # Producing -----------------------------------------------------------------------------------

    def new_job(self, name: str, *, job_id: str | None = None, **data: Any) -> NewJob:
        """A job of the test's queue."""
        return NewJob(queue=QUEUE, name=name, data=data, version=1, options=JobOptions(job_id=job_id))

    def add(self, name: str, *, count: int = 1, **data: Any) -> list[str]:
        """Enqueue so many equal jobs; returns their ids."""
        return [each.job_id for each in self.producer.add_many([self.new_job(name, **data) for _ in range(count)])]

    # Asking --------------------------------------------------------------------------------------

    def stats(self) -> QueueStats:
        """The queue's counts."""
        return self.store.queue_stats(QUEUE)

    def runs(self, job_id: str | None = None) -> list[Run]:
        """Every execution so far, in their order."""
        query = "select * from chaos_runs where job_id = coalesce(:job, job_id) order by rowid"
        with self.database.reader() as tx:
            return [Run(*row) for row in tx.execute(text(query), {"job": job_id})]

    def effects(self) -> Counter[str]:
        """How often each job took effect."""
        with self.database.reader() as tx:
            return Counter(tx.execute(text("select job_id from chaos_effects")).scalars())

    def events(self, *names: str) -> list[dict[str, str]]:
        """The queue's whole event stream, or only the events of these names."""
        found: list[dict[str, str]] = []
        start = "-"
        while True:
            entries = self.client.xrange(keys.events(QUEUE.value), start, "+", count=EVENTS_A_READ)
            for _, fields in entries:
                event = {name.decode(): value.decode() for name, value in fields.items()}
                if not names or event["event"] in names:
                    found.append(event)
            if len(entries) < EVENTS_A_READ:
                return found
            start = "(" + entries[-1][0].decode()

    def count_events(self, name: str) -> Counter[str]:
        """How often each job had this event."""
        return Counter(event["job"] for event in self.events(name))

    def running_on(self, child_pid: int, queue: Queue = QUEUE) -> list[dict[str, Any]]:
        """The jobs that a worker's child holds, by what Redis knows: ``id`` and ``stalls``."""
        held = []
        active: list[bytes] = self.client.zrangebyscore(keys.state_set(queue.value, "active"), "-inf", "+inf")
        for job_id in active:
            worker, stalls = self.client.hmget(keys.job(queue.value, job_id.decode()), ["worker", "stalls"])
            if worker is not None and worker.split(b":")[-2] == str(child_pid).encode():
                held.append({"id": job_id.decode(), "stalls": int(stalls or 0)})
        return held

    def ready_workers(self) -> list[int]:
        """The living children that have given a sign of life to Redis since they started."""
        signs: list[bytes] = self.client.zrange(keys.prefix(QUEUE.value) + "alive", 0, -1)
        pids = {int(worker.split(b":")[-2]) for worker in signs}
        return [worker.child_pid for worker in self.fleet.alive() if worker.child_pid in pids]

    # Awaiting ------------------------------------------------------------------------------------

    def await_finished(self, count: int, *, within_s: float = 90.0) -> None:
        """Wait until so many jobs have ended, failed ones included."""

        def all_ended() -> bool:
            stats = self.stats()
            return stats.completed + stats.failed >= count

        wait_for(all_ended, f"{count} jobs have ended", within_s=within_s, every_s=0.1)

    def await_completed(self, count: int, *, within_s: float = 90.0) -> None:
        """Wait until so many jobs have completed."""
        wait_for(lambda: self.stats().completed >= count, f"{count} jobs have completed", within_s=within_s)

    def await_run(self, job_id: str, number: int = 1, *, within_s: float = 60.0) -> Run:
        """Wait for a job's n-th execution to begin."""
        wait_for(lambda: len(self.runs(job_id)) >= number, f"run {number} of {job_id}", within_s=within_s)
        return self.runs(job_id)[number - 1]

    def await_ready(self, count: int) -> None:
        """Wait until so many workers have given a sign of life to Redis."""
        wait_for(lambda: self.stats().workers >= count, f"{count} workers are ready")

    # Asserting -----------------------------------------------------------------------------------

    def assert_each_completed_once(self, job_ids: Sequence[str]) -> None:
        """Every job ended exactly once, completed, with exactly one effect; nothing is left in any other state."""
        stats = self.stats()
        left = (stats.waiting, stats.active, stats.delayed, stats.blocked, stats.failed, stats.cancelled)
        assert left == (0, 0, 0, 0, 0, 0), f"waiting, active, delayed, blocked, failed, cancelled: {left}"
        once = dict.fromkeys(job_ids, 1)
        assert self.count_events("completed") == once
        assert stats.completed == len(job_ids)
        assert self.effects() == once
        assert {self.store.job(job_id).state.value for job_id in job_ids} == {"completed"}

    def _create_tables(self) -> None:
        with self.database.session() as tx:
            columns = "job_id text, pid integer, at real, attempt integer, stalls integer"
            tx.execute(text(f"create table chaos_runs ({columns})"))
            tx.execute(text("create table chaos_effects (job_id text)"))


def kill_fairly(stage: Stage, pid: int, *, only_busy: bool = False, queue: Queue = QUEUE) -> bool:
    """SIGKILL a worker's child unless a job that stalled before runs on it (or, ``only_busy``, if none runs).

    A job may lose its worker once; losing it twice fails it as a suspect, and no test could tell an unlucky
    job from a deadly one. Returns whether it was killed.
    """
    # Stopped, it can't take another job between the look and the kill; what it has sent already, Redis has read.
    try:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(SETTLE_S)
        running = stage.running_on(pid, queue)
        if any(job["stalls"] for job in running) or (only_busy and not running):
            os.kill(pid, signal.SIGCONT)
            return False
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
