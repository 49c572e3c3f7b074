"""The development transport: shows each letter in the terminal instead of sending it."""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from typing import TextIO

from shared.mail.letter import Letter
from shared.settings_mail import MailSettings


class ConsoleTransport:
    """Writes each letter as a readable block to standard error; it is not masked: seeing it is what this is for."""

    name = "console"

    def __init__(self, settings: MailSettings, stream: TextIO | None = None) -> None:
        self.sender = settings.sender
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, letter: Letter, *, message_id: str, now: datetime) -> None:  # noqa: ARG002 - the protocol's signature
        """Show the letter; it is always taken."""
        stream = self._stream or sys.stderr
        with self._lock:
            stream.write(block(letter))
            stream.flush()


def block(letter: Letter) -> str:
    """The letter between two rules."""
    lines = [f"┌─ E-mail to {letter.recipient}: {letter.subject}", *(f"│ {line}" for line in letter.text.splitlines())]
    if letter.attachment is not None:
        lines.append(f"│ [{letter.attachment.name}]")
    return "\n".join([*lines, "└─"]) + "\n"
