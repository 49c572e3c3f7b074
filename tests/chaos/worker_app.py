"""The worker of the crash tests: ``dramatiq tests.chaos.worker_app:start``, configured like any service.

Every run is noted in the database before it does anything, so that runs can be told from effects: runs may
repeat after a crash, effects (written with their claim in one transaction) may not.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import dramatiq
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import logs
from shared.broker import DokoBroker, current_job, make_broker
from shared.broker.proxy import CurrentJob
from shared.claims import run_once
from shared.database import Database
from shared.queues import Queue
from shared.settings import Settings

QUEUE = Queue.ORDER_PROCESSING
POLL_S = 0.02


def start() -> None:
    """Wire the worker; Dramatiq calls this once per process."""
    # For a test that must be quicker than the start.
    time.sleep(float(os.environ.get("CHAOS_START_AFTER_S", "0")))
    settings = Settings.from_environment(dict(os.environ))
    logs.configure(settings, "worker-chaos")
    queue = Queue(os.environ.get("CHAOS_QUEUE", QUEUE))
    broker = make_broker(settings, queue=queue)
    bind(broker, Database(settings.database_url), queue)
    dramatiq.set_broker(broker)


def bind(broker: DokoBroker, database: Database, queue: Queue = QUEUE) -> None:
    """Declare the actors."""
    stage = _Stage(database, queue)
    actors: dict[str, Callable[..., Any]] = {
        "work": stage.work,
        "hang_once": stage.hang_once,
        "kill_itself": stage.kill_itself,
        "hold_interpreter_once": stage.hold_interpreter_once,
        "burn": stage.burn,
        "nothing": _nothing,
        "wait": _wait,
    }
    for name, function in actors.items():
        dramatiq.actor(broker=broker, queue_name=queue.value, actor_name=name, store_results=True)(function)


def _nothing() -> None:
    """Do nothing at all: what a million of these take is the engine's own time."""


def _running_job() -> CurrentJob:
    job = current_job()
    assert job is not None
    return job


def _wait(seconds: float) -> None:
    """Wait for another system and compute nothing."""
    time.sleep(seconds)


class _Stage:
    """What the jobs do, on one database."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue

    def work(self, seconds: float = 0.0) -> dict[str, Any]:
        """Take so long, then take effect."""
        run = self._note_run()
        time.sleep(seconds)
        return self._take_effect(run)

    def hang_once(self, seconds: float) -> dict[str, Any]:
        """Take so long the first time; a later run takes effect at once."""
        run = self._note_run()
        if run == 1:
            time.sleep(seconds)
        return self._take_effect(run)

    def kill_itself(self, beside: int) -> None:
        """Wait until so many other jobs run beside this one (the first time), then end the process with SIGKILL."""
        run = self._note_run()
        while run == 1 and self._count("select count(distinct job_id) from chaos_runs") <= beside:
            time.sleep(POLL_S)
        os.kill(os.getpid(), signal.SIGKILL)

    def hold_interpreter_once(self, seconds: float) -> dict[str, Any]:
        """Stop every thread of this process for so long the first time: a C call that keeps the interpreter lock."""
        run = self._note_run()
        if run == 1:
            ctypes.PyDLL(None).usleep(round(seconds * 1_000_000))
        return self._take_effect(run)

    def burn(self, seconds: float) -> dict[str, Any]:
        """Keep a processor busy with Python code for so long."""
        run = self._note_run()
        until = time.monotonic() + seconds
        number = 0
        while time.monotonic() < until:
            number = (number * 31 + 7) % 1_000_003
        return self._take_effect(run)

    def _note_run(self) -> int:
        """Note that a run begins; returns which run of the job it is, from 1."""
        job = _running_job()
        row = {"job": job.id, "pid": os.getpid(), "at": time.time(), "attempt": job.attempt, "stalls": job.stalls}
        with self._database.session() as tx:
            tx.execute(
                text("insert into chaos_runs values (:job, :pid, :at, :attempt, :stalls)"),
                row,
            )
            return int(
                tx.execute(text("select count(*) from chaos_runs where job_id = :job"), {"job": job.id}).scalar_one()
            )

    def _take_effect(self, run: int) -> dict[str, Any]:
        job = _running_job()

        def effect(tx: Session) -> dict[str, Any]:
            tx.execute(text("insert into chaos_effects (job_id) values (:job)"), {"job": job.id})
            return {"success": True, "run": run, "pid": os.getpid()}

        return run_once(self._database, job.id, self._queue, effect)

    def _count(self, query: str) -> int:
        with self._database.reader() as tx:
            return int(tx.execute(text(query)).scalar_one())
