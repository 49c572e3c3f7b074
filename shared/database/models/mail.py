"""Table of e-mail: the send record of each, whichever service sends it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.base import Base, BigId, name_of, one_of, utc_now
from shared.database.models.engine import JOB_ID_LENGTH
from shared.database.models.platform import EMAIL_LENGTH


class EmailState(StrEnum):
    """An e-mail's way: sending → sent, or failed; a failed one may be sent again."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Email(Base):
    """An e-mail of a job; a job sends one for each ``purpose``."""

    __tablename__ = "emails"
    __table_args__ = (
        one_of("state", EmailState),
        CheckConstraint("recipient like '%_@_%'", name="recipient_is_address"),
        CheckConstraint("(state = 'sent') = (sent_at is not null)", name="sent_has_time"),
        CheckConstraint("(state = 'failed') = (failed_at is not null)", name="failed_has_time"),
        CheckConstraint("(state = 'failed') = (error is not null)", name="failed_has_error"),
        UniqueConstraint("job_id", "purpose"),
        Index(None, "created_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[str] = mapped_column(String(JOB_ID_LENGTH))
    purpose: Mapped[str] = mapped_column(String(32))
    recipient: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    attachment: Mapped[str | None] = mapped_column(String(128))
    """The attached file's name."""
    transport: Mapped[str] = mapped_column(String(16))
    message_id: Mapped[str] = mapped_column(String(256))
    state: Mapped[EmailState] = mapped_column(name_of(EmailState, 16))
    error: Mapped[str | None] = mapped_column(Text)
    possible_duplicate: Mapped[bool] = mapped_column(default=False)
    """Sent again although an earlier send may have reached the mail server."""
    sending_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
