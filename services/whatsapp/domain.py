"""The rules of sending: language, window, opt-out, doubt, pace; pure.

Instants are UTC and zone-aware, durations milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.whatsapp.templates import FilledTemplate, template_of
from services.whatsapp.texts import text_of
from shared.errors import PermanentError, Refused
from shared.messages.whatsapp import Language, MessageType, SendMessage

WINDOW = timedelta(hours=24)
RECEIPT_LOOK_INTERVAL_MS = 5_000
MAX_SLOW_DOWN_MS = 300_000
RATE_TOTAL_MS = 3_600_000

OPTIONAL_TYPES = frozenset({MessageType.PAYMENT_REMINDER, MessageType.GENERIC_MESSAGE})
"""What a customer who said STOP no longer gets; order messages and answers go on."""


@dataclass(frozen=True, slots=True)
class Contact:
    """What is known of a number: the language it chose, whether it said STOP, when it last wrote."""

    language: Language | None = None
    opted_out: bool = False
    last_inbound_at: datetime | None = None


def language_of(job: SendMessage, contact: Contact) -> Language:
    """The recipient's own choice, else the language that the sender named, else English (the contract's default)."""
    return contact.language or job.language


def refuse_if_opted_out(job: SendMessage, contact: Contact) -> None:
    """Raise Refused for a reminder or free text to somebody who said STOP."""
    if contact.opted_out and job.type in OPTIONAL_TYPES:
        raise Refused(f"{job.type} is not sent: the recipient opted out (STOP)")


def window_is_open(last_inbound_at: datetime | None, now: datetime) -> bool:
    """Whether free text is allowed: less than 24 hours since the customer last wrote."""
    return last_inbound_at is not None and now - last_inbound_at < WINDOW


def compose(
    job: SendMessage, contact: Contact, now: datetime, *, text_limit: int, language: Language
) -> str | FilledTemplate:
    """A text inside the 24-hour window, a template outside; PermanentError if there is none for the type."""
    if window_is_open(contact.last_inbound_at, now):
        return text_of(job.data, language, limit=text_limit)
    return as_template(job, language)


def as_template(job: SendMessage, language: Language) -> FilledTemplate:
    """The filled template; PermanentError for free text, which can only be sent inside the window."""
    filled = template_of(job.data, language)
    if filled is None:
        raise PermanentError(
            f"{job.type} has no template and can't be sent: the recipient has not written in the last 24 hours"
        )
    return filled


def receipt_wait_ms(sending_at: datetime, now: datetime, wait_ms: int) -> int:
    """How long until the next look for the receipt of a doubtful send; 0 once ``wait_ms`` have passed since it."""
    left_ms = wait_ms - int((now - sending_at).total_seconds() * 1000)
    return max(0, min(left_ms, RECEIPT_LOOK_INTERVAL_MS))


def slow_down_ms(asked_ms: int, released_ms: int) -> int:
    """How long a job waits after a rate answer.

    At least what the provider asks for; as long as it has waited already if that
    is more, up to five minutes, so that a lasting limit isn't hammered.
    """
    return max(asked_ms, min(released_ms, MAX_SLOW_DOWN_MS))
