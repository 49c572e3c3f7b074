"""The parts that the supervisor keeps running: processes of our own, and the embedded Redis."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deploy.local.orphans import dies_with_parent
from deploy.local.redis_server import RedisServer


class Part(Protocol):
    """Something that runs, ends, and can be started again."""

    @property
    def name(self) -> str:
        """How its lines are marked."""

    @property
    def stops_last(self) -> bool:
        """Whether the other parts need it until they have ended."""

    def start(self) -> int | None:
        """Start it; the descriptor of its output, if it has any. Raises OSError or DokoError."""

    def ended(self) -> str | None:
        """How it ended, or None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it at once."""


@dataclass
class ProcessPart:
    """A child process with its output in a pipe.

    Signals go to its own process id, never to its group: Dramatiq's master passes them on, and its
    workers take a second SIGTERM as the order to stop at once.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    stops_last: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def start(self) -> int | None:
        """Start the process in a group of its own, so that Ctrl-C in the terminal reaches only the supervisor."""
        self._process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - the function makes system calls only
        )
        if self._process.stdout is None:
            return None
        # The supervisor reads and closes a descriptor of its own: what the process wrote last outlives this object.
        with self._process.stdout as output:
            return os.dup(output.fileno())

    def ended(self) -> str | None:
        """``with code 1``, ``by SIGKILL``, or None while it runs."""
        if self._process is None:
            return "before it started"
        code = self._process.poll()
        if code is None:
            return None
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"

    def terminate(self) -> None:
        """SIGTERM to the process alone."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL to the process alone; its own children notice that they are orphans."""
        if self._process is not None:
            self._process.kill()


@dataclass
class RedisPart:
    """The embedded Redis; its log is a file, so it has no output to show."""

    server: RedisServer
    name: str = "redis"
    stops_last: bool = True

    def start(self) -> int | None:
        """Start it and wait until it answers."""
        self.server.start()
        return None

    def ended(self) -> str | None:
        """A hint where to look, or None while it runs."""
        return None if self.server.is_running else f"(see {self.server.log})"

    def terminate(self) -> None:
        """Ask it to save and end."""
        if self.server.is_running:
            os.kill(self.server.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.server.kill()
