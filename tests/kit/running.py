"""A real Dramatiq worker inside the test process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import dramatiq
import redis
from dramatiq.worker import Worker

from shared.broker import DokoBroker, EngineConfig, timekeeper
from shared.broker.connection import connect
from tests.kit.engine import PATIENCE_S, Engine

Actors = Mapping[str, Callable[..., object]]


class Gate:
    """A place in an actor where the test holds it: ``arrived`` says that it is there, ``open`` lets it on."""

    def __init__(self) -> None:
        self._arrivals = threading.Semaphore(0)
        self._opened = threading.Event()

    def hold(self) -> None:
        """Called by the actor."""
        self._arrivals.release()
        # In short steps: an interrupt can only be raised between two of them.
        for _ in range(round(PATIENCE_S / 0.01)):
            if self._opened.wait(0.01):
                return
        raise TimeoutError("nobody opened the gate")

    def await_arrival(self, count: int = 1) -> None:
        """Wait until so many actors have come."""
        for _ in range(count):
            assert self._arrivals.acquire(timeout=PATIENCE_S), "no actor came to the gate"

    def open(self) -> None:
        """Let everybody on."""
        self._opened.set()


def broker_with(
    url: str | redis.Redis, actors: Actors, config: EngineConfig, queue: str, **actor_options: Any
) -> DokoBroker:
    """A broker with its own client, and actors of the given names on one queue."""
    broker = DokoBroker(connect(url) if isinstance(url, str) else url, config)
    for name, function in actors.items():
        dramatiq.actor(actor_name=name, queue_name=queue, broker=broker, **actor_options)(function)
    return broker


@contextmanager
def running(
    engine: Engine,
    actors: Actors,
    *,
    threads: int = 2,
    url: str | None = None,
    config: EngineConfig | None = None,
    **actor_options: Any,
) -> Iterator[DokoBroker]:
    """Run a worker of the engine's queue; at the end it shuts down as on SIGTERM."""
    broker = broker_with(engine.connect(url or ""), actors, config or engine.config, engine.queue, **actor_options)
    worker = Worker(broker, worker_timeout=100, worker_threads=threads)
    # The listener's wait is what a shutdown waits for: in production a second is nothing, in a test it is all.
    with patch.object(timekeeper, "LISTEN_S", 0.1), _dramatiq_silenced():
        worker.start()
        try:
            yield broker
        finally:
            worker.stop(timeout=10_000)
            broker.close()


@contextmanager
def _dramatiq_silenced() -> Iterator[None]:
    # It logs each failing attempt with its traceback, and xdist can't carry every text that a test raises.
    logger = logging.getLogger("dramatiq")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
