"""A worker's clockwork: renews leases, sweeps stalled jobs, and wakes the consumer when something is due."""

from __future__ import annotations

import math
import multiprocessing
import os
import platform
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
import redis

from shared.broker import job_log, keys
from shared.broker.connection import Argument
from shared.broker.sweeping import sweep
from shared.errors import DokoError, RedisUnavailable

if TYPE_CHECKING:
    from shared.broker.broker import DokoBroker
    from shared.broker.consumer import JobConsumer
    from shared.broker.proxy import JobProxy

RETRY_AFTER_S = 0.25
WATCH_INTERVAL_S = 1.0
LISTEN_S = 1.0
JOBS_A_CALL = 500


class Timekeeper:
    """Two threads beside a consumer: one keeps time, one listens for orders to cancel."""

    def __init__(self, broker: DokoBroker, consumer: JobConsumer) -> None:
        self._broker = broker
        self._consumer = consumer
        self._queue = consumer.queue_name
        self._lease_s = broker.config.lease_ms / 1000
        self._sweep_s = broker.config.sweep_interval_ms / 1000
        self._condition = threading.Condition()
        self._due_at = math.inf
        self._came_round_s = time.monotonic()
        self._stopped = threading.Event()
        self._clock_thread = threading.Thread(target=self._keep_time, name=f"timekeeper-{self._queue}", daemon=True)
        self._listener = threading.Thread(target=self._listen, name=f"listener-{self._queue}", daemon=True)
        self._listening = broker.new_client()
        # Asked of multiprocessing: the master may have died before this line, and then the parent is already another.
        master = multiprocessing.parent_process()
        self._parent = os.getppid() if master is None or master.pid is None else master.pid

    def start(self) -> None:
        """Start both threads."""
        self._clock_thread.start()
        self._listener.start()

    def stop(self) -> None:
        """Stop both threads; the leases of what still runs are no longer renewed."""
        self._stopped.set()
        with self._condition:
            self._condition.notify_all()
        if threading.current_thread() is not self._clock_thread:
            self._clock_thread.join(LISTEN_S * 2)
        self._listener.join(LISTEN_S * 2)
        self._listening.close()

    def quiet_s(self) -> float:
        """Seconds since the last round of this clock or of its consumer, whichever is longer ago; 0 when stopped."""
        came_round_s = min(self._came_round_s, self._consumer.came_round_s)
        return 0.0 if self._stopped.is_set() else time.monotonic() - came_round_s

    def expect(self, seconds: float) -> None:
        """Wake the consumer in so many seconds, unless that is later than what is expected already."""
        at = time.monotonic() + seconds
        with self._condition:
            if at < self._due_at or self._due_at < time.monotonic():
                self._due_at = at
                self._condition.notify_all()

    def _keep_time(self) -> None:
        renew_at = time.monotonic()
        sweep_at = time.monotonic() + random.uniform(0, self._sweep_s)  # noqa: S311 - spreads the workers' sweeps
        watch_at = time.monotonic()
        while not self._stopped.is_set():
            with self._condition:
                rest = min(renew_at, sweep_at, watch_at, self._due_at) - time.monotonic()
                if rest > 0:
                    self._condition.wait(rest)
                now = self._came_round_s = time.monotonic()
                due = self._due_at <= now
                if due:
                    self._due_at = math.inf
            if self._stopped.is_set():
                return
            if due:
                self._guard(self._consumer.wake)
            if renew_at <= now:
                renew_at = now + (self._lease_s / 3 if self._guard(self._renew) else RETRY_AFTER_S)
            if sweep_at <= now:
                self._guard(self._sweep)
                sweep_at = now + self._sweep_s
            if watch_at <= now:
                self._broker.lifecycle.check(self._parent)
                watch_at = now + WATCH_INTERVAL_S

    def _guard(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except (RedisUnavailable, redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError):
            return False  # the consumer reports it; the next round tries again
        except (DokoError, redis.exceptions.RedisError) as error:
            job_log.script_failed(self._queue, error)
            return False
        return True

    def _renew(self) -> None:
        held = self._consumer.held()
        for i in range(0, max(len(held), 1), JOBS_A_CALL):
            self._renew_some(held[i : i + JOBS_A_CALL])

    def _renew_some(self, held: list[JobProxy]) -> None:
        arguments: list[Argument] = [
            self._consumer.worker,
            self._broker.config.lease_ms,
            self._description(),
            round(self._lease_s * 1000),
            len(held),
        ]
        for proxy in held:
            arguments += (proxy.message_id, proxy.token)
        states = self._broker.scripts.run("renew", self._queue, arguments).decode()
        for proxy, state in zip(held, states, strict=True):
            if state == "l":
                self._consumer.lost(proxy.message_id, proxy.token)
            elif state == "c":
                self._broker.interrupts.cancel(proxy.message_id, proxy.token)

    def _description(self) -> bytes:
        return orjson.dumps(
            {
                "host": platform.node(),
                "pid": os.getpid(),
                "threads": self._broker.worker_threads,
                "version": self._broker.version,
                "startedAt": self._broker.started_at_ms,
            }
        )

    def _sweep(self) -> None:
        for job in sweep(self._broker.scripts, self._queue, self._broker.config):
            job_log.stalled(self._queue, job)

    def _listen(self) -> None:
        client: Any = self._listening
        key = keys.control(self._queue, self._consumer.worker)
        while not self._stopped.is_set():
            try:
                order = client.blpop([key], timeout=LISTEN_S)
            except (redis.exceptions.RedisError, OSError):
                self._stopped.wait(RETRY_AFTER_S)  # the consumer reports it
                continue
            if order is not None:
                token, _, job_id = order[1].decode().partition(" ")
                self._broker.interrupts.cancel(job_id, token)
