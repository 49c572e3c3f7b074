"""The ways that a letter may go, and what can become of it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from shared.mail.letter import Letter


class MailRefused(Exception):
    """The letter was certainly not taken; ``is_permanent`` tells whether another try can help.

    ``is_away`` is True if no mail server spoke to us at all.
    """

    def __init__(self, message: str, *, is_permanent: bool, is_away: bool = False) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent
        self.is_away = is_away


class MailInDoubt(Exception):
    """The connection ended after the letter had gone out and before the answer: nobody knows whether it was taken."""


class Transport(Protocol):
    """Takes letters."""

    @property
    def name(self) -> str:
        """As the send record names it."""

    @property
    def sender(self) -> str:
        """Who the letters come from: ``Doko <doko@example.com>``."""

    def send(self, letter: Letter, *, message_id: str, now: datetime) -> None:
        """Hand one letter over. Raises MailRefused or MailInDoubt."""
