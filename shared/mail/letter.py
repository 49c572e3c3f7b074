"""A letter and its form on the wire."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

_SEVEN_BIT = SMTP.clone(cte_type="7bit")
"""Every server takes it."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to go with a letter."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person is to read; ``text_alone`` stands for ``text`` where the attachment is too large to go along."""

    recipient: str
    subject: str
    text: str
    attachment: Attachment | None = None
    text_alone: str = ""

    def alone(self) -> Letter:
        """The letter without its attachment."""
        return Letter(self.recipient, self.subject, self.text_alone or self.text)


def message_id_of(job_id: str, purpose: str, sender: str) -> str:
    """The same for every try, so that a mail system that gets a letter twice can drop the second one."""
    digest = hashlib.sha256(f"{job_id}\n{purpose}".encode()).hexdigest()[:40]
    return f"<{digest}@{address_of(sender).rpartition('@')[2]}>"


def address_of(sender: str) -> str:
    """The bare address of ``Doko <doko@example.com>``."""
    return parseaddr(sender)[1]


def as_message(letter: Letter, *, sender: str, message_id: str, now: datetime) -> EmailMessage:
    """The letter with its headers."""
    message = EmailMessage(_SEVEN_BIT)
    name, address = parseaddr(sender)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=letter.recipient)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    # So that nobody's absence notice answers a machine.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    if letter.attachment is not None:
        kind, _, subtype = letter.attachment.content_type.partition(";")[0].partition("/")
        message.add_attachment(
            letter.attachment.content, maintype=kind, subtype=subtype, filename=letter.attachment.name
        )
    return message
