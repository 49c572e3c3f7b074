"""What the gateway saves on each answer: ``python -m tests.benchmarks.answer_costs`` prints microseconds of CPU.

Not a figure of ``bench.json``: it backs what the docstrings of ``JsonResponse`` and ``Headed`` say.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response
from werkzeug.test import EnvironBuilder

from gateway.answers import JSON_TYPE, JsonResponse
from gateway.request_log import Headed

CALLS, TURNS = 5_000, 15
BODY = b'{"success":true}'
LOCATION = "/api/v1/jobs/whatsapp-01a20c8bce7fe0f24f5ab"
SECURITY = {
    "X-Request-Id": "0123456789abcdef",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def main() -> None:
    """Print each way and what it costs an answer, the least of several turns."""
    app = Flask("costs")
    environ = EnvironBuilder(method="POST", path="/api/v1/whatsapp/messages").get_environ()
    headed = Headed(lambda environ, start: _answer(JsonResponse, environ, start))
    ways: dict[str, Callable[[], Any]] = {
        "JsonResponse": lambda: _answer(JsonResponse, environ, _start),
        "Response": lambda: _answer(Response, environ, _start),
        "JsonResponse, headers by Headed": lambda: headed(environ, _start),
        "JsonResponse, headers set one by one": lambda: _answer(JsonResponse, environ, _start, SECURITY),
    }
    with app.request_context(environ):
        for name, way in ways.items():
            sys.stdout.write(f"{name:<40}{_microseconds(way):6.1f} us\n")


def _answer(
    kind: type[Response], environ: dict[str, Any], start: Callable[..., Any], more: dict[str, str] | None = None
) -> Any:
    response = kind(BODY, 202, content_type=JSON_TYPE)
    response.headers["Location"] = LOCATION
    for name, value in (more or {}).items():
        response.headers[name] = value
    return response(environ, start)


def _start(_status: str, _headers: list[tuple[str, str]], *_exc_info: Any) -> Any:
    return None


def _microseconds(way: Callable[[], Any]) -> float:
    turns = []
    for _ in range(TURNS):
        begin = time.process_time()
        for _ in range(CALLS):
            way()
        turns.append((time.process_time() - begin) / CALLS * 1e6)
    return min(turns)


if __name__ == "__main__":
    main()
