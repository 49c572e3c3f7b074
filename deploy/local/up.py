"""`make up`: Redis, the database, the gateway, a worker for each service, and the scheduler, in one terminal."""

from __future__ import annotations

import contextlib
import fcntl
import shlex
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.local.console import Console
from deploy.local.embedded_redis import URL_FILE, embedded_redis
from deploy.local.parts import Part, ProcessPart, RedisPart
from deploy.local.ports import is_free
from deploy.local.supervisor import Supervisor
from gateway.demo.running import load_at_first_start
from gateway.tokens import ADMIN_TOKEN_FILE, ensure_admin_token
from shared.database.migrate import migrate
from shared.database.session import Database
from shared.errors import ConfigurationError, DokoError
from shared.queues import POLICIES
from shared.settings import Settings
from shared.worker_command import installed_queues

_CONNECT_TIMEOUT_S = 0.1
_PORTS_TO_TRY = 100
_EXAMPLE = """\
{"type": "ORDER_CONFIRMATION", "recipient": "+977-9800000000",
       "data": {"orderNumber": "ORD-2026-001", "total": 1500.00,
                "items": [{"productName": "Rice 1 kg", "quantity": 10, "unitPrice": 150.00}]}}"""


def main() -> int:
    """Run everything until Ctrl-C; the exit code is 0, 1 after a kill, 2 if it could not start."""
    console = Console(sys.stdout)
    try:
        settings = Settings.from_environment()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with _only_one(settings.data_dir):
            return _run(settings, console)
    except DokoError as error:
        console.say(f"Doko could not start: {error}")
        return 2


def _run(settings: Settings, console: Console) -> int:
    refuse_taken_port(settings.host, settings.port)
    parts: list[Part] = []
    environment: dict[str, str] = {}
    with contextlib.ExitStack() as cleanup:
        if not settings.redis_explicit:
            server = embedded_redis(settings.data_dir)
            server.start()
            cleanup.callback(server.stop)
            environment["REDIS_URL"] = server.url
            parts.append(RedisPart(server))
        token, told = _prepare_database(settings)
        parts += processes(environment, settings.metrics_port)
        announcement = _Announcement(settings, token, told, console)
        grace_s = settings.shutdown_grace_ms / 1000
        return Supervisor(parts, console, grace_s=grace_s, on_tick=announcement.when_ready).run()


def processes(environment: dict[str, str], metrics_port: int | None = None) -> list[ProcessPart]:
    """The gateway, a worker for each service that has one, and the scheduler.

    With ``metrics_port`` the scheduler listens there, and each worker on one of the ports that follow.
    """
    commands = [("gateway", ["gateway"]), ("scheduler", ["scheduler"])]
    folders = [POLICIES[queue].folder for queue in installed_queues()]
    commands += [(f"worker-{folder}", ["worker", folder]) for folder in folders]
    doko = [sys.executable, "-m", "gateway.cli"]
    parts = [ProcessPart(name, [*doko, *arguments], environment) for name, arguments in commands]
    if metrics_port is not None:
        for port, part in enumerate(parts[1:], start=metrics_port):
            part.environment = {**environment, "METRICS_PORT": str(port)}
    return parts


def refuse_taken_port(host: str, port: int) -> None:
    """Raise ConfigurationError, naming the next free port, if another program listens on ours."""
    try:
        if is_free(host, port):
            return
        following = range(port + 1, min(port + _PORTS_TO_TRY, 65_536))
        free = next((each for each in following if is_free(host, each)), None)
    except OSError as error:
        raise ConfigurationError(f"HOST={host} PORT={port} can't be listened on: {error.strerror}") from error
    hint = f": stop it, or run `PORT={free} DATA_DIR=var/{free} make up` beside it" if free else ""
    raise ConfigurationError(f"port {port} is taken by another program{hint}")


@contextlib.contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data folder's lock; the kernel frees it however this process ends."""
    with (data_dir / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"DATA_DIR={data_dir} is used by another `make up`: stop it, or set another DATA_DIR and PORT"
            raise ConfigurationError(message) from error
        yield


def _prepare_database(settings: Settings) -> tuple[str, str | None]:
    """Bring the schema up to date, fill an empty database; the administrator's token, and what to say of the demo."""
    migrate(settings.database_url)
    database = Database(settings.database_url, application_name="doko-up", pool_size=1)
    try:
        return ensure_admin_token(database, settings), load_at_first_start(database, settings)
    finally:
        database.dispose()


class _Announcement:
    """Says once, when the gateway listens, where everything is."""

    def __init__(self, settings: Settings, token: str, told: str | None, console: Console) -> None:
        self._settings = settings
        self._token = token
        self._told = told
        self._console = console
        self._is_made = False

    def when_ready(self) -> None:
        """Say it as soon as the gateway listens."""
        if not self._is_made and _listens(self._settings.host, self._settings.port):
            self._is_made = True
            self._console.say(self._text())

    def _text(self) -> str:
        url = self._settings.api_url
        data_dir = self._settings.data_dir
        source = "from ADMIN_TOKEN" if self._settings.admin_token else f"kept in {data_dir / ADMIN_TOKEN_FILE}"
        lines = [
            "",
            f"  Doko is up.  API: {url}/api/v1/docs  health: {url}/readyz",
            f"  Admin token ({source}): {self._token}",
        ]
        if not self._settings.redis_explicit:
            lines.append(f'  Redis, for commands in another terminal: export REDIS_URL="$(cat {data_dir / URL_FILE})"')
        lines += ["  Send a WhatsApp message (to the console, unless a provider is configured):", "", self._curl(), ""]
        if self._told is not None:
            lines += [f"  {line}".rstrip() for line in [*self._told.splitlines(), ""]]
        return "\n".join(lines)

    def _curl(self) -> str:
        token = self._token
        if not self._settings.admin_token:
            token = f"$(cat {shlex.quote(str(self._settings.data_dir / ADMIN_TOKEN_FILE))})"
        return (
            f"  curl -X POST {self._settings.api_url}/api/v1/whatsapp/messages \\\n"
            f'    -H "Authorization: Bearer {token}" -H "Content-Type: application/json" \\\n'
            f"    -d '{_EXAMPLE}'"
        )


def _listens(host: str, port: int) -> bool:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    with contextlib.suppress(OSError), socket.create_connection((reachable, port), timeout=_CONNECT_TIMEOUT_S):
        return True
    return False
