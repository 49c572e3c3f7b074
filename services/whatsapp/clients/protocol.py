"""What the service asks of a provider, and what a provider may answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.whatsapp.templates import FilledTemplate


class Kind(StrEnum):
    """How a message travels: free text inside the 24-hour window, a template outside of it."""

    TEXT = "text"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to send: ``recipient`` in E.164, ``content`` a text or a filled template."""

    job_id: str
    recipient: str
    content: str | FilledTemplate

    @property
    def kind(self) -> Kind:
        """Text or template."""
        return Kind.TEXT if isinstance(self.content, str) else Kind.TEMPLATE

    @property
    def text(self) -> str:
        """What the customer reads."""
        return self.content if isinstance(self.content, str) else self.content.text


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took the message; ``provider_id`` is its id for receipts."""

    provider_id: str


class Verdict(StrEnum):
    """What an error means for the job."""

    RETRY = "retry"
    """Trying again may help: backoff, an attempt used."""
    SLOW_DOWN = "slow down"
    """We send too fast: later, no attempt used."""
    WINDOW_CLOSED = "window closed"
    """The customer's 24 hours are over: as template."""
    PERMANENT = "permanent"
    """This message can't be sent."""
    ACCOUNT = "account"
    """Nothing can be sent from this account until somebody acts: the queue is paused."""


class ProviderError(Exception):
    """A provider did not confirm a message.

    ``refused`` is True if it certainly took nothing, so that the message may be
    sent again at once, and False if nobody knows (no answer, 5xx). The text names
    the code and our words for it, never what the provider wrote: that may repeat
    the phone number, the message or the token.
    """

    def __init__(
        self,
        provider: str,
        verdict: Verdict,
        reason: str,
        *,
        code: str,
        refused: bool,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(f"{provider}: {reason} ({code})")
        self.verdict = verdict
        self.code = code
        self.refused = refused
        self.retry_after_ms = retry_after_ms


class Provider(Protocol):
    """A way to send WhatsApp messages; one object serves all threads of a worker."""

    @property
    def name(self) -> str:
        """``console``, ``meta`` or ``twilio``, as stored with each message."""

    @property
    def text_limit(self) -> int:
        """Longest text in characters."""

    @property
    def confirms_later(self) -> bool:
        """Whether a message without an answer can turn up later, by a receipt or by ``find``."""

    def send(self, message: Outgoing) -> Sent:
        """Send once, without retries; raises ProviderError."""

    def find(self, message: Outgoing, since: datetime) -> list[Sent]:
        """Messages that the provider took since then and that equal this one, newest first.

        Empty if there are none or if the provider can't be asked; raises ProviderError when it fails to answer.
        """

    def close(self) -> None:
        """Release connections."""
