"""What an interrupt must not cut in two, and what must be closed however a job is left.

A job is interrupted (timeout, cancellation, lost lease, shutdown) by an exception that may arrive between
any two instructions of its thread. In the middle of taking or giving back a connection it would leave a
transaction open that nobody knows of, and its locks with it. So such places are ``shielded``: an interrupt
waits until the thread has left them. Python can't shield the way into a shielded place, so what was opened
is noted too, and the thread closes the rest when it has left its job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol


class Guard(Protocol):
    """Who interrupts the calling thread."""

    def shield(self) -> None:
        """Hold interrupts of the calling thread back; calls may be nested."""

    def unshield(self) -> None:
        """Let them arrive again, also the one that was held back."""


class _Thread(threading.local):
    guard: Guard | None = None

    def __init__(self) -> None:
        self.opened: dict[int, Callable[[], None]] = {}


_thread = _Thread()


def guarded_by(guard: Guard | None) -> None:
    """From now on the calling thread may be interrupted by ``guard``, or by nobody."""
    _thread.guard = guard


class shielded:  # noqa: N801 - used like a function, as contextlib's
    """``with shielded(): ...`` is not interrupted; it must not last longer than a database's timeouts."""

    def __enter__(self) -> None:
        self._guard = _thread.guard
        if self._guard is not None:
            self._guard.shield()

    def __exit__(self, *_: object) -> None:
        if self._guard is not None:
            self._guard.unshield()


def opened(what: object, close: Callable[[], None]) -> None:
    """Note that the calling thread must ``close`` this before it goes on to another job."""
    _thread.opened[id(what)] = close


def closed(what: object) -> None:
    """It was closed in order."""
    _thread.opened.pop(id(what), None)


def close_leftovers() -> int:
    """Close what the calling thread still has open, newest first; returns how much that was."""
    count = 0
    while _thread.opened:
        _, close = _thread.opened.popitem()
        close()
        count += 1
    return count
