"""What surrounds every request: its id, one log line, its metrics and the security headers of its answer."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, g, request

from gateway.context import REQUEST_ID, REQUEST_ID_HEADER, choose_request_id
from gateway.metrics import RequestMetrics
from shared.logs import write_line
from shared.privacy import mask_text

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

UNROUTED = "(none)"
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Probes come every few seconds and would bury the rest; they are logged when they fail."""

STARTED = "doko.started_s"
POLICY = "Content-Security-Policy"
CACHE = "Cache-Control"
_HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    (POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (CACHE, "no-store"),
]
_REPLACEABLE = frozenset({POLICY, CACHE})

_CLIENT_ERROR = 400
_SERVER_ERROR = 500


def install(app: Flask, metrics: RequestMetrics) -> None:
    """Surround the requests of ``app``."""

    def begin() -> None:
        environ = request.environ
        environ[STARTED] = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(requestId=environ[REQUEST_ID])

    def end(response: Response) -> Response:
        current = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - each use of the proxy looks it up again
        seconds = time.perf_counter() - current.environ[STARTED]
        route = current.url_rule.rule if current.url_rule is not None else UNROUTED
        metrics.observe(current.method, route, response.status_code, seconds)
        if route not in QUIET_ROUTES or response.status_code >= _CLIENT_ERROR:
            write_line(_line(current.environ, current.method, response.status_code, seconds))
        return response

    app.before_request(begin)
    app.after_request(end)
    app.wsgi_app = Headed(app.wsgi_app)  # type: ignore[method-assign]  # Flask's documented way to add WSGI middleware


class Headed:
    """WSGI middleware: gives each request its id, and each answer the id and the security headers.

    Here, and not in Flask, since appending to the finished list costs a third of setting them one by one.
    """

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = environ[REQUEST_ID] = choose_request_id(environ.get("HTTP_X_REQUEST_ID"))

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            own = [name for name, _ in headers if name in _REPLACEABLE]
            ours = _HEADERS if not own else [each for each in _HEADERS if each[0] not in own]
            return start_response(status, [*headers, (REQUEST_ID_HEADER, request_id), *ours], *exc_info)

        return self._inner(environ, start)


def _line(environ: WSGIEnvironment, method: str, status: int, seconds: float) -> dict[str, object]:
    # A path may hold anything, a phone in a caller's own job id included.
    path = mask_text(environ["PATH_INFO"])[:200]
    caller = g.get("caller")
    return {
        "level": "error" if status >= _SERVER_ERROR else "info",
        "message": f"{method} {path} answered {status}",
        "event": "http.request",
        "timestamp": time.time(),
        "requestId": environ[REQUEST_ID],
        "method": method,
        "path": path,
        "status": status,
        "duration": round(seconds * 1000, 2),
        "token": caller.token_id if caller is not None else None,
    }
