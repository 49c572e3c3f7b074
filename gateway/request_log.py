"""What surrounds every request: its id, one log line, its metrics and the security headers of its answer."""

from __future__ import annotations

import time

import structlog
from flask import Flask, Response, g, request

from gateway.context import REQUEST_ID_HEADER, choose_request_id
from gateway.metrics import RequestMetrics
from shared.logs import write_line
from shared.privacy import mask_text

UNROUTED = "(none)"
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Probes come every few seconds and would bury the rest; they are logged when they fail."""

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": API_POLICY,
    "Cache-Control": "no-store",
}

_CLIENT_ERROR = 400
_SERVER_ERROR = 500


def install(app: Flask, metrics: RequestMetrics) -> None:
    """Surround the requests of ``app``."""

    def begin() -> None:
        g.started_s = time.perf_counter()
        g.request_id = choose_request_id(request.environ.get("HTTP_X_REQUEST_ID"))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(requestId=g.request_id)

    def end(response: Response) -> Response:
        headers = response.headers
        headers[REQUEST_ID_HEADER] = g.request_id
        for name, value in SECURITY_HEADERS.items():
            if name not in headers:
                headers[name] = value
        seconds = time.perf_counter() - g.started_s
        route = request.url_rule.rule if request.url_rule is not None else UNROUTED
        metrics.observe(request.method, route, response.status_code, seconds)
        if route not in QUIET_ROUTES or response.status_code >= _CLIENT_ERROR:
            write_line(_line(response, seconds))
        return response

    app.before_request(begin)
    app.after_request(end)


def _line(response: Response, seconds: float) -> dict[str, object]:
    status = response.status_code
    # A path may hold anything, a phone in a caller's own job id included.
    path = mask_text(request.path)[:200]
    caller = g.get("caller")
    return {
        "level": "error" if status >= _SERVER_ERROR else "info",
        "message": f"{request.method} {path} answered {status}",
        "event": "http.request",
        "timestamp": time.time(),
        "requestId": g.request_id,
        "method": request.method,
        "path": path,
        "status": status,
        "duration": round(seconds * 1000, 2),
        "token": caller.token_id if caller is not None else None,
    }
