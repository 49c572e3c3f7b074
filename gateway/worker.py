"""gunicorn's gevent worker, answering requests that are no HTTP in the API's shape instead of HTML.

gunicorn imports this before gevent has patched the standard library: it must import nothing else of ours.
"""

from __future__ import annotations

import os
from http import HTTPStatus
from typing import Any

import orjson
from gunicorn import util
from gunicorn.http.errors import LimitRequestHeaders, ParseException
from gunicorn.workers.ggevent import GeventWorker
from typing_extensions import override


class GatewayWorker(GeventWorker):
    """Serves one process's requests."""

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
