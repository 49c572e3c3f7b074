"""A Sentry on loopback: takes the raw envelopes that an SDK sends and keeps them."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class SentryIngest:
    """The server; a context manager that listens on a free port of loopback."""

    def __init__(self) -> None:
        self.envelopes: list[bytes] = []
        self._arrived = threading.Condition()
        ingest = self

        class Endpoint(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Keep one envelope."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ingest.keep(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Keep the tests quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def dsn(self) -> str:
        """The address for SENTRY_DSN."""
        return f"http://key@127.0.0.1:{self._server.server_port}/1"

    @property
    def raw(self) -> bytes:
        """Everything that arrived, as it arrived."""
        return b"\n".join(self.envelopes)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The errors among what arrived, oldest first."""
        lines = [json.loads(line) for line in self.raw.splitlines() if line.startswith(b"{")]
        return [line for line in lines if "exception" in line]

    def keep(self, envelope: bytes) -> None:
        """Keep an envelope and tell who waits."""
        with self._arrived:
            self.envelopes.append(envelope)
            self._arrived.notify_all()

    def wait_for_events(self, count: int, seconds: float = 10.0) -> list[dict[str, Any]]:
        """Wait until at least ``count`` errors arrived; AssertionError if they don't come."""
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.events) >= count, seconds)
            assert arrived, f"{len(self.events)} of {count} errors arrived within {seconds} s"
            return self.events
