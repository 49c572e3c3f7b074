"""The worker's birth and death: how many threads it has, when it stops fetching, when its grace ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.synchronize import Event
from typing import Any

from dramatiq.broker import Broker
from dramatiq.middleware import Middleware

from shared.broker import job_log
from shared.broker.server_check import warn_of_unsafe_server
from shared.logs import flush
from shared.middleware.interrupts import Interrupts

STUCK_AFTER_S = 5.0
ROOM_TO_STOP_S = 5.0


class Lifecycle(Middleware):
    """Tells the broker its room at boot; at shutdown stops fetching and bounds the grace period."""

    def __init__(self, interrupts: Interrupts, *, grace_ms: int) -> None:
        self._interrupts = interrupts
        self._grace_s = grace_ms / 1000
        self._timer: threading.Timer | None = None
        self._worker: Any = None
        self._ending = False
        self._told_to_stop = False
        self._shutting_down = threading.Event()
        self._booted = threading.Event()
        self._booted.set()

    @property
    def booted(self) -> bool:
        """Whether the master, if there is one, knows that this process has started: until then no job may run."""
        return self._booted.is_set()

    def before_worker_boot(self, broker: Broker, worker: Any) -> None:
        """A worker never holds more jobs than it has threads."""
        self._worker = worker
        broker.worker_threads = worker.worker_threads  # type: ignore[attr-defined]
        # Dramatiq gives its processes the event by which they tell the master that they have started.
        arguments = getattr(multiprocessing.current_process(), "_args", ())
        for event in [argument for argument in arguments if isinstance(argument, Event)]:
            self._booted.clear()
            threading.Thread(target=self._await_boot, args=(event, broker), name="boot", daemon=True).start()
        warn_of_unsafe_server(broker.scripts.client)  # type: ignore[attr-defined]

    def before_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Stop fetching now; interrupt what still runs when the grace is over."""
        self._ending = True
        self._shutting_down.set()
        broker.stop_fetching()  # type: ignore[attr-defined]
        self._timer = threading.Timer(self._grace_s, self._interrupts.stop_all)
        self._timer.daemon = True
        self._timer.start()

    def after_worker_shutdown(self, broker: Broker, worker: Any) -> None:
        """Everything is given back: the timer has nothing to do any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _await_boot(self, event: Event, broker: Any) -> None:
        # While this process sets the event, it holds its lock. Killed by a job right then, it would leave the master
        # waiting for that lock for ever. A wait for the event ends when the lock is free again.
        event.wait()
        self._booted.set()
        broker.wake_consumers()

    def check(self, parent: int) -> None:
        """End the process gracefully if its master died or one of its threads did."""
        if self._ending or self._worker is None:
            return
        if os.getppid() != parent:
            self._end("the master process is gone")
        elif any(not thread.is_alive() for thread in self._worker.workers):
            self._end("a worker thread died")

    def stop(self) -> None:
        """Send the process, or the master it belongs to, one SIGTERM; a second one would cut running jobs short."""
        if self._ending or self._told_to_stop or self._worker is None:
            return
        self._told_to_stop = True
        master = multiprocessing.parent_process()
        os.kill(os.getpid() if master is None or master.pid is None else master.pid, signal.SIGTERM)

    def _end(self, why: str) -> None:
        self._ending = True
        job_log.worker_ends(why)
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Thread(target=self._insist, name="ending", daemon=True).start()

    def _insist(self) -> None:
        # A master that dies while it waits for this process to boot leaves Dramatiq's main thread waiting for its
        # acknowledgement for ever (multiprocessing's Event.set): then nobody acts on the signal but us.
        if self._shutting_down.wait(STUCK_AFTER_S):
            return
        self._worker.stop(timeout=round((self._grace_s + ROOM_TO_STOP_S) * 1000))
        flush()
        os._exit(0)
