"""Programs that run schedules in processes of their own: ``python -m tests.integration.schedules.processes …``.

``work <redis url>`` runs what is due until its standard input ends, and then prints how many runs it did.
``die <redis url> <claim|add|confirm> <before|after>`` dies by SIGKILL there.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import Any

import structlog

from shared.broker import DokoBroker
from shared.broker.connection import connect
from shared.job_store import JobStore
from shared.schedules import ScheduleRunner, ScheduleStore

LEASE_MS = 300
PAUSE_S = 0.003


class Slow:
    """A broker that takes its time, so that a kill hits it in the middle."""

    def __init__(self, broker: DokoBroker) -> None:
        self._broker = broker

    def add(self, job: Any) -> Any:
        time.sleep(PAUSE_S)
        answer = self._broker.add(job)
        time.sleep(PAUSE_S)
        return answer


class Deadly:
    """Anything whose ``method`` is its end."""

    def __init__(self, whole: Any, method: str, when: str) -> None:
        self._whole, self._method, self._when = whole, method, when

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._whole, name)
        if name != self._method:
            return attribute

        def die(*arguments: Any, **options: Any) -> None:
            if self._when == "after":
                attribute(*arguments, **options)
            os.kill(os.getpid(), signal.SIGKILL)

        return die


def work(url: str) -> None:
    """Run what is due until standard input ends; say ``ready``, then how many runs it was."""
    client = connect(url)
    runner = ScheduleRunner(ScheduleStore(client), Slow(DokoBroker(client)), JobStore(client), {}, lease_ms=LEASE_MS)
    _say("ready")
    sys.stdin.readline()
    done = 0
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        done += runner.run_jobs()
    _say(str(done))


def die(url: str, method: str, when: str) -> None:
    """Run what is due and be killed."""
    client = connect(url)
    store: Any = Deadly(ScheduleStore(client), method, when)
    broker: Any = Deadly(DokoBroker(client), method, when)
    ScheduleRunner(store, broker, JobStore(client), {}, lease_ms=LEASE_MS).run_jobs()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    if sys.argv[1] == "work":
        work(*sys.argv[2:])
    else:
        die(*sys.argv[2:])
