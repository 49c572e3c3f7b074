"""What a webhook tells, in one form for both providers; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.database.models.engine import JOB_ID_LENGTH
from shared.database.send_records import Receipt

ID_LENGTH = 256
TYPE_LENGTH = 64

_PHONE = re.compile(r"[1-9]\d{4,19}", re.ASCII)


class MalformedWebhook(ValueError):
    """The body is not what the provider sends; the text says what is wrong, without repeating it."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from a customer; ``phone`` in E.164, ``body`` empty for what has no text.

    ``payload`` is what a button stands for, ``replied_to`` the provider's id of the message that this one answers.
    """

    provider: str
    provider_id: str
    phone: str
    type: str
    body: str
    at: datetime
    payload: str = ""
    replied_to: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one request tells; ``ignored`` counts entries of kinds that mean nothing to us."""

    inbound: tuple[Inbound, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    ignored: int = field(default=0)


def text_of(value: object) -> str:
    """``value`` if it is text, else empty."""
    return value if isinstance(value, str) else ""


def provider_id_of(value: object) -> str | None:
    """A provider's id, None if it is missing or longer than any real one."""
    return value if isinstance(value, str) and 0 < len(value) <= ID_LENGTH and "\x00" not in value else None


def job_id_of(value: object) -> str | None:
    """The job id that came back as callback data, None if it can't be one."""
    is_ours = isinstance(value, str) and 0 < len(value) <= JOB_ID_LENGTH and value.isascii() and value.isprintable()
    return str(value) if is_ours else None


def phone_of(value: object) -> str | None:
    """``9779800000000``, with or without ``+`` and ``whatsapp:``, as E.164; None if it isn't a number."""
    digits = text_of(value).removeprefix("whatsapp:").removeprefix("+")
    return f"+{digits}" if _PHONE.fullmatch(digits) else None


def instant_of(value: object, now: datetime) -> datetime:
    """Unix seconds as an instant; ``now`` for what is missing, wrong or in the future.

    A time in the future would keep the customer's 24-hour window open too long.
    """
    seconds = text_of(value) if isinstance(value, str) else str(value)
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= len("99999999999")):
        return now
    return min(datetime.fromtimestamp(int(seconds), UTC), now)
