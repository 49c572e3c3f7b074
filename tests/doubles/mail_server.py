"""A real SMTP server on this machine that keeps what it takes, and can be told to refuse, hang up or ask for TLS."""

from __future__ import annotations

import asyncio
import email
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

PASSWORD = b"s3cret"
HANG_UP = "hang up"


class MailServer:
    """Answers with ``answers`` first (``RCPT`` or ``DATA`` to a reply, each once), then takes everything."""

    def __init__(self) -> None:
        self.port = 0
        self.letters: list[EmailMessage] = []
        self.answers: list[tuple[str, str]] = []
        self.recipients: list[str] = []

    async def handle_RCPT(self, _server: Any, _s: Session, envelope: Envelope, address: str, _o: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        if answer := self._next("RCPT"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        answer = self._next("DATA")
        if answer not in {None, HANG_UP}:
            return str(answer)
        content = envelope.content
        assert isinstance(content, bytes)
        letter = email.message_from_bytes(content, policy=default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.recipients += envelope.rcpt_tos
        if answer == HANG_UP:
            server.transport.abort()
            await asyncio.sleep(0)
        return "250 taken"

    def _next(self, step: str) -> str | None:
        if self.answers and self.answers[0][0] == step:
            return self.answers.pop(0)[1]
        return None


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    return AuthResult(success=given.password == PASSWORD, handled=False)


@contextmanager
def mail_server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, **options: Any
) -> Iterator[MailServer]:
    """A running server; its address is ``127.0.0.1`` and ``port``."""
    server = MailServer()
    with socket.create_server(("127.0.0.1", 0)) as free:
        server.port = free.getsockname()[1]
    controller = Controller(
        server, hostname="127.0.0.1", port=server.port, ssl_context=tls, tls_context=starttls, **options
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
