"""The small HTTP server of processes that serve nothing else: ``/metrics``, ``/healthz`` and ``/readyz``."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from typing_extensions import override

from shared import logs
from shared.health import Health

AGAIN_S = 1.0
SLOWEST_CLIENT_S = 5.0

_log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Probes:
    """What the endpoint tells.

    ``stuck`` says why the process should be restarted, ``unready`` why it can't work now; both are empty if all is
    well. ``health`` asks the parts that the process needs.
    """

    registry: CollectorRegistry
    stuck: Callable[[], str]
    unready: Callable[[], str]
    health: Health

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a path."""
        match path.partition("?")[0]:
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self.registry)
            case "/healthz":
                return _told(self.stuck(), "alive")
            case "/readyz":
                return self._ready()
            case _:
                return _told("there are /metrics, /healthz and /readyz", "", HTTPStatus.NOT_FOUND)

    def _ready(self) -> tuple[int, str, bytes]:
        health = self.health.check()
        away = [name for name, part in health.items() if not part.is_ready]
        reason = self.unready() or (f"not ready: {', '.join(away)}" if away else "")
        parts = {name: {"ready": part.is_ready, "reason": part.reason} for name, part in health.items()}
        return _told(reason, "ready", parts=parts)


def _told(
    problem: str, well: str, status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE, **more: Any
) -> tuple[int, str, bytes]:
    body = {"success": not problem, "message": problem or well} | more
    return status if problem else HTTPStatus.OK, "application/json", orjson.dumps(body)


class Endpoint:
    """Serves ``probes`` on its own threads."""

    def __init__(self, host: str, port: int, probes: Probes) -> None:
        self._address = (host, port)
        self._probes = probes
        self._stopping = threading.Event()
        self._server: _Server | None = None
        self._thread = threading.Thread(target=self._serve, name="endpoint", daemon=True)

    def start(self) -> None:
        """Begin to serve. A port that is taken is tried again: the process works on without its endpoint meanwhile."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
        self._thread.join(SLOWEST_CLIENT_S)

    def _serve(self) -> None:
        complained = False
        while not self._stopping.is_set():
            try:
                self._server = _Server(self._address, self._probes)
            except OSError as error:
                if not complained:
                    message = f"METRICS_PORT={self._address[1]} can't be listened on: {error.strerror}"
                    _log.error("endpoint.unavailable", message=message, port=self._address[1])
                complained = True
                self._stopping.wait(AGAIN_S)
                continue
            with self._server as server:
                server.serve_forever(poll_interval=0.1)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], probes: Probes) -> None:
        self.probes = probes
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Request)


class _Request(BaseHTTPRequestHandler):
    timeout = SLOWEST_CLIENT_S
    server_version = "doko"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        status, content_type, body = self.server.probes.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every few seconds and would bury the rest."""
