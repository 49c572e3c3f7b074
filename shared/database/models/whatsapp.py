"""Tables of the WhatsApp service: messages, receipts, windows, preferences."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.base import Base, BigId, name_of, one_of, utc_now
from shared.database.models.engine import JOB_ID_LENGTH


class Direction(StrEnum):
    """Who wrote the message."""

    OUTBOUND = "out"
    INBOUND = "in"


class MessageState(StrEnum):
    """An outbound message's way: sending → sent → delivered → read, or failed; an inbound one is received."""

    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    RECEIVED = "received"

    def may_become(self, new: MessageState) -> bool:
        """Whether ``new`` is a step forward.

        ``failed`` follows sending and sent only: a message that was delivered has
        not failed, and one that failed stays so unless the provider delivered it after all.
        """
        return new in _NEXT[self]


_S = MessageState
_NEXT: dict[MessageState, frozenset[MessageState]] = {
    _S.SENDING: frozenset({_S.SENT, _S.DELIVERED, _S.READ, _S.FAILED}),
    _S.SENT: frozenset({_S.DELIVERED, _S.READ, _S.FAILED}),
    _S.DELIVERED: frozenset({_S.READ}),
    _S.READ: frozenset(),
    _S.FAILED: frozenset({_S.SENDING, _S.DELIVERED, _S.READ}),
    _S.RECEIVED: frozenset(),
}

RECEIPT_STATES = (_S.SENT, _S.DELIVERED, _S.READ, _S.FAILED)

_SENDING = text("state = 'sending'")


class WhatsAppMessage(Base):
    """A message, either way; the outbound one is the send record of its job."""

    __tablename__ = "whatsapp_messages"
    __table_args__ = (
        one_of("direction", Direction),
        one_of("state", MessageState),
        CheckConstraint("(direction = 'in') = (state = 'received')", name="inbound_is_received"),
        CheckConstraint("(direction = 'out') = (job_id is not null)", name="outbound_has_job"),
        CheckConstraint("(direction = 'in') = (received_at is not null)", name="inbound_has_time"),
        CheckConstraint("(direction = 'out') = (sending_at is not null)", name="outbound_has_time"),
        CheckConstraint(
            "state not in ('sent', 'delivered', 'read', 'received') or provider_id is not null",
            name="provider_id_known",
        ),
        CheckConstraint("state <> 'sent' or sent_at is not null", name="sent_has_time"),
        CheckConstraint("state <> 'delivered' or delivered_at is not null", name="delivered_has_time"),
        CheckConstraint("state <> 'read' or read_at is not null", name="read_has_time"),
        CheckConstraint("state <> 'failed' or failed_at is not null", name="failed_has_time"),
        CheckConstraint("phone like '+_%'", name="phone_is_e164"),
        UniqueConstraint("provider", "provider_id"),
        Index(None, "phone", "id"),
        Index("ix_whatsapp_messages_sending", "sending_at", postgresql_where=_SENDING, sqlite_where=_SENDING),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[str | None] = mapped_column(String(JOB_ID_LENGTH), unique=True)
    direction: Mapped[Direction] = mapped_column(name_of(Direction, 8))
    phone: Mapped[str] = mapped_column(String(32))
    """The customer's number, E.164."""
    provider: Mapped[str] = mapped_column(String(32))
    provider_id: Mapped[str | None] = mapped_column(String(256))
    type: Mapped[str] = mapped_column(String(64))
    template: Mapped[str | None] = mapped_column(String(128))
    language: Mapped[str | None] = mapped_column(String(16))
    body: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[MessageState] = mapped_column(name_of(MessageState, 16))
    error_code: Mapped[str | None] = mapped_column(String(64))
    possible_duplicate: Mapped[bool] = mapped_column(default=False)
    """Sent again although an earlier send may have reached the provider."""
    sending_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class WhatsAppReceipt(Base):
    """A provider's receipt, kept under the provider's id whether or not we know the message yet."""

    __tablename__ = "whatsapp_receipts"
    __table_args__ = (one_of("state", RECEIPT_STATES),)

    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    provider_id: Mapped[str] = mapped_column(String(256), primary_key=True)
    state: Mapped[MessageState] = mapped_column(name_of(MessageState, 16), primary_key=True)
    at: Mapped[datetime]
    """When it happened, by the provider's clock."""
    error_code: Mapped[str | None] = mapped_column(String(64))
    job_id: Mapped[str | None] = mapped_column(String(JOB_ID_LENGTH), index=True)
    """Our job's id, where the provider hands it back as callback data."""
    received_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class ConversationWindow(Base):
    """When a customer last wrote: free text is allowed for 24 hours after it."""

    __tablename__ = "conversation_windows"

    phone: Mapped[str] = mapped_column(String(32), primary_key=True)
    last_inbound_at: Mapped[datetime]


class ContactPreference(Base):
    """What a number asked for: its language, and whether it said STOP."""

    __tablename__ = "contact_preferences"
    __table_args__ = (one_of("language", ("en", "ne")),)

    phone: Mapped[str] = mapped_column(String(32), primary_key=True)
    language: Mapped[str | None] = mapped_column(String(16))
    opted_out: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
