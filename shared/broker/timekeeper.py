"""A worker's clockwork: renews leases, sweeps stalled jobs, obeys operators, wakes the consumer for what is due."""

from __future__ import annotations

import math
import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import redis

from shared.broker import job_log, keys
from shared.broker.connection import Argument
from shared.broker.describing import describe_worker
from shared.broker.releasing import release_dependents
from shared.broker.sweeping import sweep
from shared.errors import DokoError, RedisUnavailable

if TYPE_CHECKING:
    from shared.broker.broker import DokoBroker
    from shared.broker.consumer import JobConsumer
    from shared.broker.finish import Finish
    from shared.broker.proxy import JobProxy
    from shared.broker.states import WorkerState

RETRY_AFTER_S = 0.25
WATCH_INTERVAL_S = 1.0
LISTEN_S = 1.0
JOBS_A_CALL = 500
LOOK = "look"
"""The order to look at once for what an operator wants of this worker; any other one cancels a job."""


class Timekeeper:
    """Two threads beside a consumer: one keeps time, one listens for orders."""

    def __init__(self, broker: DokoBroker, consumer: JobConsumer) -> None:
        self._broker = broker
        self._consumer = consumer
        self._queue = consumer.queue_name
        self._lease_s = broker.config.lease_ms / 1000
        self._sweep_s = broker.config.sweep_interval_ms / 1000
        self._condition = threading.Condition()
        self._due_at = math.inf
        self._came_round_s = time.monotonic()
        self._renew_at = -math.inf
        self._release_at = math.inf
        self._reached = False
        self._stopped = threading.Event()
        self._clock_thread = threading.Thread(target=self._keep_time, name=f"timekeeper-{self._queue}", daemon=True)
        self._listener = threading.Thread(target=self._listen, name=f"listener-{self._queue}", daemon=True)
        self._listening = broker.new_client(self._queue)
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
        if self._release_at < math.inf:
            self._guard(self._release)
        if self._reached:  # a Redis that is away would only hold up the end
            self._guard(self._depart)

    def renew_now(self) -> None:
        """Give a sign of life at once: what the worker does has changed, or an operator has an order for it."""
        with self._condition:
            self._renew_at = -math.inf
            self._condition.notify_all()

    def note_ended(self, batch: Sequence[Finish]) -> None:
        """Attempts have ended; if other jobs may depend on theirs, they are told at once."""
        if any(finish.proxy.flow for finish in batch):
            with self._condition:
                self._release_at = -math.inf
                self._condition.notify_all()

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
        sweep_at = time.monotonic() + random.uniform(0, self._sweep_s)  # noqa: S311 - spreads the workers' sweeps
        watch_at = time.monotonic()
        while not self._stopped.is_set():
            now, steps = self._next_round(min(sweep_at, watch_at))
            if self._stopped.is_set():
                return
            for step in steps:
                self._guard(step)
            if sweep_at <= now:
                self._guard(self._sweep)
                sweep_at = now + self._sweep_s
            if watch_at <= now:
                self._broker.lifecycle.check(self._parent)
                watch_at = now + WATCH_INTERVAL_S

    def _next_round(self, at: float) -> tuple[float, list[Callable[[], None]]]:
        """Wait for what comes next, ``at`` the latest: the time, and what others asked for by then."""
        steps: list[Callable[[], None]] = []
        with self._condition:
            rest = min(self._renew_at, self._due_at, self._release_at, at) - time.monotonic()
            if rest > 0:
                self._condition.wait(rest)
            now = self._came_round_s = time.monotonic()
            if self._due_at <= now:
                self._due_at = math.inf
                steps.append(self._consumer.wake)
            if self._release_at <= now:
                self._release_at = math.inf
                steps.append(self._release)
            if self._renew_at <= now:
                self._renew_at = math.inf
                steps.append(self._renew_and_plan)
        return now, steps

    def _renew_and_plan(self) -> None:
        self._reached = self._guard(self._renew)
        again_at = time.monotonic() + (self._lease_s / 3 if self._reached else RETRY_AFTER_S)
        with self._condition:
            self._renew_at = min(self._renew_at, again_at)

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
        state, order = self._broker.worker_state, ""
        for i in range(0, max(len(held), 1), JOBS_A_CALL):
            order = self._renew_some(held[i : i + JOBS_A_CALL], state)
        self._broker.obey(order)
        if self._broker.worker_state is not state:
            self.renew_now()

    def _renew_some(self, held: list[JobProxy], state: WorkerState) -> str:
        arguments: list[Argument] = [
            self._consumer.worker,
            self._broker.config.lease_ms,
            describe_worker(self._broker, state),
            round(self._lease_s * 1000),
            len(held),
        ]
        for proxy in held:
            arguments += (proxy.message_id, proxy.token)
        leases, order = self._broker.scripts.run("renew", self._queue, arguments)
        for proxy, lease in zip(held, leases.decode(), strict=True):
            if lease == "l":
                self._consumer.lost(proxy.message_id, proxy.token)
            elif lease == "c":
                self._broker.interrupts.cancel(proxy.message_id, proxy.token)
        return str(order.decode())

    def _depart(self) -> None:
        self._broker.scripts.run("depart", self._queue, (self._consumer.worker,))

    def _sweep(self) -> None:
        for job in sweep(self._broker.scripts, self._queue, self._broker.config):
            job_log.stalled(self._queue, job)
        self._release()

    def _release(self) -> None:
        release_dependents(self._broker.scripts, self._queue, self._broker.config)

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
                self._take(order[1].decode())

    def _take(self, order: str) -> None:
        if order == LOOK:
            self.renew_now()
            return
        token, _, job_id = order.partition(" ")
        self._broker.interrupts.cancel(job_id, token)
