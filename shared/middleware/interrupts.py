"""Timeout, cancellation, lost leases and the end of the grace period: one middleware raises them all.

It must be the last in the list: then it is the innermost around the actor, and what it raises
can't hit another middleware. It raises only under the lock that leaving the job takes too, and
leaving clears an interrupt that has not arrived yet, so none can reach the next job or an idle thread.
"""

from __future__ import annotations

import ctypes
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dramatiq.broker import Broker, MessageProxy
from dramatiq.middleware import Middleware
from dramatiq.threading import Interrupt, raise_thread_exception

from shared.broker.outcome import JobCancelled, JobInterrupt, JobTimedOut, LeaseLost, WorkerStopping
from shared.shield import close_leftovers, guarded_by

if TYPE_CHECKING:
    from shared.broker.proxy import JobProxy

CHECK_INTERVAL_S = 0.05
MOST_REMEMBERED = 1_000


@dataclass(slots=True)
class _Running:
    attempt: tuple[str, str]  # id and token: an order is for one attempt, never for the job's next one
    deadline: float
    interrupted: bool = False
    shields: int = 0
    held_back: type[JobInterrupt] | None = None


class Interrupts(Middleware):
    """Knows which thread runs which job and raises ``JobInterrupt``s in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, _Running] = {}
        self._before_start: dict[tuple[str, str], type[JobInterrupt]] = {}
        self._stopping = False
        self._watch: threading.Thread | None = None

    def after_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Start the thread that watches the deadlines."""
        self._watch = threading.Thread(target=self._watch_deadlines, name="deadlines", daemon=True)
        self._watch.start()

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """The calling thread begins a job."""
        job = cast("JobProxy", message)
        job.started = now = time.monotonic()
        entry = _Running((job.message_id, job.token), now + job.timeout_ms / 1000)
        with self._lock:
            refused = self._before_start.pop(entry.attempt, None)
            if refused is None and self._stopping:
                refused = WorkerStopping
            if refused is None:
                guarded_by(self)
                self._running[threading.get_ident()] = entry
        if refused is not None:
            raise refused

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """The calling thread has left its job."""
        try:
            self._leave()
        except Interrupt:
            # It came while the thread was already leaving: the job had returned, and its result stands.
            self._leave()
        guarded_by(None)
        close_leftovers()

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """A skipped message is left like any other."""
        self._leave()

    def shield(self) -> None:
        """Hold back what would interrupt the calling thread. One that is on its way already arrives before the end."""
        with self._lock:
            entry = self._running.get(threading.get_ident())
            if entry is not None:
                entry.shields += 1

    def unshield(self) -> None:
        """Let interrupts arrive again, also the one that was held back."""
        thread_id = threading.get_ident()
        with self._lock:
            entry = self._running.get(thread_id)
            if entry is None:
                return
            entry.shields -= 1
            if entry.shields == 0 and entry.held_back is not None:
                interrupt, entry.held_back = entry.held_back, None
                raise_thread_exception(thread_id, interrupt)  # type: ignore[no-untyped-call]

    def cancel(self, job_id: str, token: str) -> None:
        """Interrupt an attempt because somebody cancelled its job."""
        self._interrupt_attempt((job_id, token), JobCancelled)

    def lease_lost(self, job_id: str, token: str) -> None:
        """Interrupt an attempt whose lease is gone."""
        self._interrupt_attempt((job_id, token), LeaseLost, remember=False)

    def stop_all(self) -> None:
        """The grace period is over: interrupt everything and let nothing start."""
        with self._lock:
            self._stopping = True
            for thread_id, entry in self._running.items():
                self._raise(thread_id, entry, WorkerStopping)

    def _leave(self) -> None:
        thread_id = threading.get_ident()
        with self._lock:
            entry = self._running.pop(thread_id, None)
            if entry is not None and entry.interrupted:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), None)

    def _interrupt_attempt(
        self, attempt: tuple[str, str], interrupt: type[JobInterrupt], *, remember: bool = True
    ) -> None:
        with self._lock:
            for thread_id, entry in self._running.items():
                if entry.attempt == attempt:
                    self._raise(thread_id, entry, interrupt)
                    return
            if remember:
                # The order may be ahead of the fetch's reply; one that came too late is never asked for again.
                self._before_start[attempt] = interrupt
                while len(self._before_start) > MOST_REMEMBERED:
                    del self._before_start[next(iter(self._before_start))]

    def _raise(self, thread_id: int, entry: _Running, interrupt: type[JobInterrupt]) -> None:
        if not entry.interrupted:
            entry.interrupted = True
            if entry.shields > 0:
                entry.held_back = interrupt
            else:
                raise_thread_exception(thread_id, interrupt)  # type: ignore[no-untyped-call]

    def _watch_deadlines(self) -> None:
        while True:
            time.sleep(CHECK_INTERVAL_S)
            now = time.monotonic()
            with self._lock:
                for thread_id, entry in self._running.items():
                    if entry.deadline <= now:
                        self._raise(thread_id, entry, JobTimedOut)
