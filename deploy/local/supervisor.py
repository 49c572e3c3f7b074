"""Keeps the parts of a local Doko running: restarts what ends, and stops all of it in order.

One thread: it sleeps until a part writes a line, a child ends, a signal comes or a restart is due.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

from deploy.local.console import Console
from deploy.local.parts import Part
from shared.errors import DokoError

FIRST_RESTART_S = 0.5
LONGEST_RESTART_S = 30.0
HEALTHY_AFTER_S = 30.0
"""A part that ran this long starts its backoff anew when it ends."""
STOP_MARGIN_S = 10.0
"""What the parts get beyond the grace of their jobs, to hand jobs back and to end."""

_TICK_S = 0.25
_LAST_WORDS_S = 1.0
_READ_SIZE = 65_536


@dataclass
class _Watch:
    """A part and the history of its restarts."""

    part: Part
    failures: int = 0
    started_at: float = 0.0
    restart_at: float | None = None


@dataclass
class _Output:
    """The unfinished last line of a part's output."""

    name: str
    rest: bytes = b""


class Supervisor:
    """Runs the parts until SIGINT, SIGTERM or SIGHUP; ``grace_s`` is how long their jobs may go on after it."""

    def __init__(
        self, parts: Sequence[Part], console: Console, *, grace_s: float, on_tick: Callable[[], None] | None = None
    ) -> None:
        self._watches = [_Watch(part) for part in parts]
        self._console = console
        self._grace_s = grace_s
        self._on_tick = on_tick or (lambda: None)
        self._selector = selectors.DefaultSelector()
        self._stop_signals = 0
        for part in parts:
            console.introduce(part.name)

    def run(self) -> int:
        """Start what doesn't run yet, keep it running, stop it when told; 0, or 1 if something had to be killed."""
        with self._signals():
            for watch in self._watches:
                if watch.part.ended() is not None:
                    self._start(watch)
            while not self._stop_signals:
                self._restart_what_ended()
                self._on_tick()
                self._wait(_TICK_S)
            return self._stop_all()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Count the signals to stop, and wake the selector for them and for ended children."""
        reading, writing = socket.socketpair()
        reading.settimeout(0)
        writing.settimeout(0)
        self._selector.register(reading, selectors.EVENT_READ, reading)
        earlier_descriptor = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        handlers = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), self._count_stop_signal)
        handlers[signal.SIGCHLD] = _only_wake
        earlier = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(earlier_descriptor)
            self._selector.close()
            reading.close()
            writing.close()

    def _count_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_signals += 1

    def _start(self, watch: _Watch) -> None:
        watch.started_at, watch.restart_at = time.monotonic(), None
        try:
            descriptor = watch.part.start()
        except (OSError, DokoError) as error:
            self._plan_restart(watch, f"did not start: {error}")
            return
        if descriptor is not None:
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, _Output(watch.part.name))

    def _restart_what_ended(self) -> None:
        now = time.monotonic()
        for watch in self._watches:
            how = watch.part.ended()
            if how is None:
                continue
            if watch.restart_at is None:
                self._plan_restart(watch, f"ended {how}")
            elif now >= watch.restart_at:
                self._start(watch)

    def _plan_restart(self, watch: _Watch, what_happened: str) -> None:
        now = time.monotonic()
        watch.failures = 1 if now - watch.started_at >= HEALTHY_AFTER_S else watch.failures + 1
        delay_s = min(LONGEST_RESTART_S, FIRST_RESTART_S * 2.0 ** (watch.failures - 1))
        watch.restart_at = now + delay_s
        self._console.line(watch.part.name, f"{what_happened}; it starts again in {delay_s:g} s")

    def _wait(self, timeout_s: float) -> None:
        """Pass on what the parts wrote, for at most the timeout."""
        for key, _ in self._selector.select(timeout_s):
            if isinstance(key.data, _Output):
                self._pass_on(key.fd, key.data)
            else:
                key.data.recv(_READ_SIZE)

    def _pass_on(self, descriptor: int, output: _Output) -> None:
        content = os.read(descriptor, _READ_SIZE)
        *lines, output.rest = (output.rest + content).split(b"\n")
        if not content:
            self._selector.unregister(descriptor)
            os.close(descriptor)
            lines = [output.rest] if output.rest else []
        for line in lines:
            self._console.line(output.name, line.decode(errors="replace"))

    def _stop_all(self) -> int:
        self._console.say("Stopping: running jobs may finish. Press Ctrl-C again to stop at once.")
        killed = []
        for is_last in (False, True):
            parts = [watch.part for watch in self._watches if watch.part.stops_last is is_last]
            killed += self._stop(parts)
        self._hear_last_words()
        if killed:
            self._console.say(f"Stopped; killed because they did not end by themselves: {', '.join(killed)}")
            return 1
        self._console.say("Stopped: every part ended by itself.")
        return 0

    def _stop(self, parts: Sequence[Part]) -> list[str]:
        """Ask the parts to end and wait for them; the names of those that had to be killed."""
        running = [part for part in parts if part.ended() is None]
        for part in running:
            part.terminate()
        signals_before = self._stop_signals
        deadline = time.monotonic() + self._grace_s + STOP_MARGIN_S
        while running and time.monotonic() < deadline and self._stop_signals == signals_before:
            self._wait(_TICK_S)
            running = [part for part in running if part.ended() is None]
        for part in running:
            part.kill()
        return [part.name for part in running]

    def _hear_last_words(self) -> None:
        """Pass on what the ended parts had written; a grandchild that lives on keeps its pipe open, so not for ever."""
        deadline = time.monotonic() + _LAST_WORDS_S
        while self._has_outputs() and time.monotonic() < deadline:
            self._wait(_TICK_S)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, _Output):
                self._selector.unregister(key.fd)
                os.close(key.fd)

    def _has_outputs(self) -> bool:
        return any(isinstance(key.data, _Output) for key in self._selector.get_map().values())


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """The wakeup descriptor does the work; a handler must be there for it to be written."""
