"""A WhatsApp provider on loopback that speaks Meta's Cloud API and Twilio's REST API over real HTTP.

Each recipient can be given a script of answers; without one every valid request
succeeds. It checks what the real ones check (credentials, fields, templates and
their parameters) and keeps what it took, which Twilio's API can list.
"""

from __future__ import annotations

import itertools
import re
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tests.doubles.whatsapp_answers import SUCCESS, Answer

META_TOKEN = "meta-token-of-the-double"
META_PHONE_NUMBER_ID = "106540352242922"
TWILIO_ACCOUNT = "AC00000000000000000000000000000001"
TWILIO_TOKEN = "twilio-token-of-the-double"
TWILIO_FROM = "+14155238886"


@dataclass(frozen=True)
class Taken:
    """A message that the provider took and will deliver."""

    provider: str
    provider_id: str
    recipient: str
    kind: str
    text: str
    """The body, of a template the values joined by ``|`` (Meta) or the filled text (Twilio)."""
    job_id: str | None
    """The callback data: of Meta the opaque data, of Twilio ``jobId`` in the status callback."""
    at: float = field(default_factory=time.time)
    template: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: dict[str, object]


class WhatsAppDouble:
    """The server; a context manager that listens on a free port of loopback."""

    def __init__(self) -> None:
        from tests.doubles.whatsapp_http import Handler  # noqa: PLC0415 - the handler needs this class

        self.requests: list[Request] = []
        self.taken: list[Taken] = []
        self.templates: dict[tuple[str, str], str] = {}
        """Registered templates: name and language to body with numbered parameters."""
        self.connections_to_drop = 0
        self._changed = threading.Condition()
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self._ids = itertools.count(1)
        self._server = _Server(("127.0.0.1", 0), Handler, self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

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
    def url(self) -> str:
        """The base address for both APIs."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def script(self, recipient: str, *answers: Answer) -> None:
        """The next answers to sends to ``recipient`` (E.164); ``*`` is everybody without a script of their own."""
        with self._changed:
            self._scripts[recipient].extend(answers)

    def register(self, templates: Iterable[tuple[str, str, str]]) -> None:
        """Register templates: name, language, body with ``{{1}}`` and so on."""
        for name, language, body in templates:
            self.templates[name, language] = body

    def wait_for_taken(self, count: int, seconds: float = 10.0) -> list[Taken]:
        """Wait until at least ``count`` messages were taken; AssertionError if they don't come."""
        return self._wait(lambda: len(self.taken) >= count, seconds, f"{count} messages")

    def wait_for_requests(self, count: int, seconds: float = 10.0) -> list[Taken]:
        """Wait until at least ``count`` requests arrived."""
        return self._wait(lambda: len(self.requests) >= count, seconds, f"{count} requests")

    def taken_by(self, job_id: str) -> list[Taken]:
        """What was taken for one job."""
        return [taken for taken in self.taken if taken.job_id == job_id]

    def next_answer(self, recipient: str) -> Answer:
        """The answer that the script holds for this send."""
        with self._changed:
            for name in (recipient, "*"):
                if self._scripts[name]:
                    return self._scripts[name].popleft()
        return SUCCESS

    def arrived(self, request: Request) -> None:
        """Keep a request."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def take(self, taken: Callable[[int], Taken]) -> Taken:
        """Keep a message under the next number."""
        with self._changed:
            message = taken(next(self._ids))
            self.taken.append(message)
            self._changed.notify_all()
        return message

    def _wait(self, is_met: Callable[[], bool], seconds: float, what: str) -> list[Taken]:
        with self._changed:
            assert self._changed.wait_for(is_met, seconds), f"{what} did not arrive within {seconds} s"
            return list(self.taken)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], double: WhatsAppDouble) -> None:
        super().__init__(address, handler)
        self.double = double

    def verify_request(self, request: object, client_address: object) -> bool:  # noqa: ARG002 - the signature
        """Refuse a connection before anything is read, as a crashed load balancer does."""
        if self.double.connections_to_drop > 0:
            self.double.connections_to_drop -= 1
            return False
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet about clients that gave up waiting; everything else is a defect of the double."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def filled(body: str, values: Mapping[str, str]) -> str:
    """A template's body with its numbered parameters replaced."""
    return re.sub(r"\{\{(\d+)\}\}", lambda match: values[match.group(1)], body)
