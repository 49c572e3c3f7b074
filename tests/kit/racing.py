"""Programs that the deduplication tests run in processes of their own: ``python -m tests.kit.racing <what> <url>``."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from dramatiq.middleware import Middleware

from shared.broker import DokoBroker, JobOptions, NewJob
from shared.broker.connection import connect
from tests.kit.engine import QUEUE, SHORT

THREADS = 50
KEY = "contested"


def a_job() -> NewJob:
    """The job that everybody wants to be the only one of."""
    return NewJob(QUEUE, "order", {"orderId": "o-1"}, options=JobOptions(deduplication_key=KEY))


def race(url: str) -> None:
    """Say ``ready``, wait for a line, enqueue from fifty threads at once, and print the ids of the answers."""
    broker = DokoBroker(connect(url), SHORT)
    barrier = threading.Barrier(THREADS)
    answers: list[str] = []

    def enqueue() -> None:
        barrier.wait()
        answer = broker.add(a_job())
        answers.append(f"{answer.job_id} {answer.created}")

    threads = [threading.Thread(target=enqueue) for _ in range(THREADS)]
    _say("ready")
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _say("\n".join(answers))


class _Crash(Middleware):
    def before_enqueue(self, broker: Any, message: Any, delay: int | None) -> None:
        del broker, message, delay
        os.kill(os.getpid(), signal.SIGKILL)


def crash(url: str) -> None:
    """Die by SIGKILL between the reservation of the key and the enqueueing of its job."""
    DokoBroker(connect(url), SHORT, middleware=[_Crash()]).add(a_job())


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"race": race, "crash": crash}[sys.argv[1]](sys.argv[2])
