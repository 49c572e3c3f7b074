"""Whose turn it is to talk to Redis for a worker: one step at a time, begun by one thread and completed by any."""

from __future__ import annotations

import threading

from shared.broker.finish import Call


class Turn:
    """One step at a time. A step that is ``in_flight`` has been sent; whoever takes its turn next must complete it."""

    def __init__(self, state: threading.Condition) -> None:
        self._state = state
        self._taken = False
        self.in_flight: Call | None = None

    def take(self) -> Call | None:
        """Wait for the turn; returns the step to complete, or None when a new one may begin."""
        with self._state:
            while self._taken and self.in_flight is None:
                self._state.wait()
            call, self.in_flight, self._taken = self.in_flight, None, True
        return call

    def try_to_take(self) -> bool:
        """Take the turn if nobody has it and nothing is in flight; the caller holds the state's lock."""
        if self._taken:
            return False
        self._taken = True
        return True

    def pass_on(self, in_flight: Call | None) -> None:
        """Give the turn away, with a step that was sent and is still to be completed, or with none."""
        with self._state:
            self.in_flight, self._taken = in_flight, in_flight is not None
            self._state.notify_all()
