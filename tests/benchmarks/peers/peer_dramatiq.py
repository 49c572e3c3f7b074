"""Stock Dramatiq on its own Redis broker with its default middleware."""

from __future__ import annotations

import os
import time
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

MESSAGES_KEY = "dramatiq:bench.msgs"


def start() -> None:
    """Wire the worker; Dramatiq calls this once per process."""
    dramatiq.set_broker(_wire(os.environ["BENCH_REDIS_URL"]))


def fill(url: str, jobs: int) -> None:
    """Enqueue no-op jobs."""
    broker = _wire(url)
    actor = broker.get_actor("nothing")
    for i in range(jobs):
        actor.send(i=i)
    broker.close()


def add(url: str, jobs: int, example: dict[str, Any]) -> float:
    """Enqueue the example that often, one after the other; returns jobs/s."""
    broker = _wire(url)
    actor = broker.get_actor("nothing")
    actor.send(**example)
    begin = time.perf_counter()
    for _ in range(jobs):
        actor.send(**example)
    seconds = time.perf_counter() - begin
    broker.close()
    return jobs / seconds


def _wire(url: str) -> RedisBroker:
    broker = RedisBroker(url=url)  # type: ignore[no-untyped-call]
    dramatiq.actor(actor_name="nothing", queue_name="bench", broker=broker)(_do_nothing)
    return broker


def _do_nothing(**_data: object) -> None:
    """The job of every drain."""
