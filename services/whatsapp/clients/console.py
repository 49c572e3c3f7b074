"""The development provider: shows each message in the terminal instead of sending it."""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from typing import TextIO

from services.whatsapp.clients.protocol import Outgoing, Sent

TEXT_LIMIT = 4096


class ConsoleProvider:
    """Writes each message as a readable block; the service stores it like any other.

    The block goes to standard error, so that standard output stays one JSON object
    a line. It is not masked: seeing the message is what this provider is for.
    """

    name = "console"
    text_limit = TEXT_LIMIT
    confirms_later = False

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: Outgoing) -> Sent:
        """Show the message; it is always taken."""
        stream = self._stream or sys.stderr
        with self._lock:
            stream.write(block(message))
            stream.flush()
        return Sent(f"console-{message.job_id}")

    def find(self, message: Outgoing, since: datetime) -> list[Sent]:  # noqa: ARG002 - the protocol's signature
        """Nothing: what was shown is not kept."""
        return []

    def close(self) -> None:
        """Nothing to release."""


def block(message: Outgoing) -> str:
    """The message between two rules, with its recipient and kind."""
    title = f"WhatsApp {message.kind} to {message.recipient} ({message.job_id})"
    lines = [f"┌─ {title}", *(f"│ {line}" for line in message.text.splitlines()), "└─"]
    return "\n".join(lines) + "\n"
