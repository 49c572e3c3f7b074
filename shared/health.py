"""Whether a process's dependencies answer: asked for real, each within a short time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

TIMEOUT_S = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PartHealth:
    """What one dependency answered; ``reason`` is empty if it is well, and never holds an address or a password."""

    is_ready: bool
    duration_ms: float
    reason: str = ""


class Health:
    """Asks every part at once; a part that doesn't answer in ``timeout_s`` is not ready.

    ``parts`` maps a name to a call that raises if the part is away. A call that hangs is not made again before
    it has ended, so that probes of a hanging database don't pile up threads.
    """

    def __init__(self, parts: Mapping[str, Callable[[], object]], *, timeout_s: float = TIMEOUT_S) -> None:
        self._probes = {name: _Probe(name, ask) for name, ask in parts.items()}
        self._timeout_s = timeout_s

    def check(self) -> dict[str, PartHealth]:
        """The health of each part, after at most ``timeout_s``."""
        deadline = time.monotonic() + self._timeout_s
        for probe in self._probes.values():
            probe.start()
        return {name: probe.wait(deadline) for name, probe in self._probes.items()}


class _Probe:
    def __init__(self, name: str, ask: Callable[[], object]) -> None:
        self._name = name
        self._ask = ask
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None
        self._result = PartHealth(is_ready=False, duration_ms=0.0, reason="was never asked")

    def start(self) -> None:
        with self._lock:
            if self._running is None or not self._running.is_alive():
                self._running = threading.Thread(target=self._run, name=f"health-{self._name}", daemon=True)
                self._running.start()

    def wait(self, deadline: float) -> PartHealth:
        thread = self._running
        if thread is None:
            return self._result
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            return PartHealth(is_ready=False, duration_ms=0.0, reason="didn't answer in time")
        return self._result

    def _run(self) -> None:
        started = time.monotonic()
        reason = ""
        try:
            self._ask()
        except Exception as error:  # noqa: BLE001 - whatever it raises, the part is not ready and that is the answer
            reason = type(error).__name__
            logger.warning("%s is not ready: %s", self._name, reason)
        duration_ms = round((time.monotonic() - started) * 1000, 1)
        self._result = PartHealth(is_ready=not reason, duration_ms=duration_ms, reason=reason)
