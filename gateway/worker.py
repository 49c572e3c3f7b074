"""gunicorn's gevent worker: it answers what is no HTTP in the API's shape, and stops without waiting for idle clients.

gunicorn imports this before gevent has patched the standard library: it must import nothing else of ours.
"""

from __future__ import annotations

import os
import time
from http import HTTPStatus
from typing import Any, Self

import gevent
import orjson
from gunicorn import util
from gunicorn.http.errors import LimitRequestHeaders, ParseException
from gunicorn.workers.ggevent import GeventWorker
from typing_extensions import override

IDLE_S = 2.0
"""A stopping worker closes connections that were silent for so long; a busy client's next answer tells it to go."""


class NextRequest(gevent.Timeout):
    """The wait for a connection's next request; ``waits`` holds all that go on."""

    def __init__(self, seconds: float, waits: set[NextRequest]) -> None:
        super().__init__(seconds, exception=False)  # type: ignore[arg-type]  # gevent documents False
        self._waits = waits
        self._connection: Any = None
        self._since_s = 0.0

    @override
    def __enter__(self) -> Self:
        self._connection, self._since_s = gevent.getcurrent(), time.monotonic()
        self._waits.add(self)
        super().__enter__()
        return self

    @override
    def __exit__(self, *raised: Any) -> Any:  # noqa: PYI036 - they go on as they came
        self._waits.discard(self)
        return super().__exit__(*raised)

    def end_if_idle(self) -> None:
        """Close the connection as if the keep-alive time were over."""
        if time.monotonic() - self._since_s >= IDLE_S:
            self._connection.kill(self, block=False)


class GatewayWorker(GeventWorker):
    """Serves one process's requests."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._waits: set[NextRequest] = set()

    @override
    def timeout_ctx(self) -> NextRequest:  # type: ignore[override]  # gunicorn's own annotation says None
        """What gunicorn waits in for each request of a connection."""
        return NextRequest(self.cfg.keepalive, self._waits)

    @override
    def notify(self) -> None:
        """Called every second, also while a stopping worker waits for its connections to end."""
        super().notify()
        if not self.alive:
            for wait in list(self._waits):
                wait.end_if_idle()
            self._end_streams()

    def _end_streams(self) -> None:
        """Live pages wait for what happens next, which would hold up the end for as long as it may take."""
        application: Any = self.wsgi
        pulse = application.extensions.get("doko-pulse")
        if pulse is not None:
            pulse.close()

    @override
    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what never became a request (a broken header), or what broke outside the application."""
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        if isinstance(exc, LimitRequestHeaders):
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        elif isinstance(exc, ParseException):
            status = HTTPStatus.BAD_REQUEST
        request_id = os.urandom(8).hex()
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.error("request %s broke", request_id, exc_info=exc)
        else:
            self.log.warning("request %s refused: %s", request_id, type(exc).__name__)
        body = orjson.dumps(
            {"success": False, "message": status.phrase, "code": "malformed", "errors": {}, "requestId": request_id}
        )
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            util.write_nonblock(client, head.encode() + body)
        except OSError:
            self.log.debug("request %s: the client is gone", request_id)
