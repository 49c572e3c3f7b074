"""The send record of each e-mail: written as ``sending`` before the mail server is asked and as ``sent`` after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database.base import without_nul
from shared.database.models.mail import Email, EmailState
from shared.database.rows import insert_new
from shared.mail.letter import Letter


@dataclass(frozen=True, slots=True)
class Sending:
    """One e-mail of one job."""

    job_id: str
    purpose: str
    letter: Letter
    transport: str
    message_id: str


def find(tx: Session, job_id: str, purpose: str) -> Email | None:
    """The send record, locked until the transaction ends; None before the first send."""
    query = select(Email).where(Email.job_id == job_id, Email.purpose == purpose)
    return tx.scalar(query.with_for_update().execution_options(populate_existing=True))


def begin(tx: Session, sending: Sending, *, now: datetime, doubt: timedelta) -> tuple[Email, timedelta | None]:
    """The send record, and None if this run may send now; else how long to wait because an earlier run may be sending.

    A wait of nothing means that the e-mail was sent. Commit before the mail server is asked.
    """
    if insert_new(tx, Email, _row(sending, now)):
        return _existing(tx, sending), None
    record = _existing(tx, sending)
    if record.state is EmailState.SENT:
        return record, timedelta()
    left = record.sending_at + doubt - now
    if record.state is EmailState.SENDING and left > timedelta():
        return record, left
    _send_again(record, sending, now)
    return record, None


def save_sent(tx: Session, sending: Sending, *, now: datetime) -> Email:
    """Note that the mail server took the letter."""
    record = _existing(tx, sending)
    record.state, record.sent_at = EmailState.SENT, record.sent_at or now
    record.failed_at = record.error = None
    return record


def save_failed(tx: Session, sending: Sending, error: str, *, now: datetime) -> None:
    """Note that the letter was certainly not taken, so that the next try may follow at once."""
    record = _existing(tx, sending)
    if record.state is EmailState.SENDING:
        record.state, record.failed_at, record.error = EmailState.FAILED, now, error


def _send_again(record: Email, sending: Sending, now: datetime) -> None:
    record.possible_duplicate = record.possible_duplicate or record.state is EmailState.SENDING
    record.state, record.sending_at = EmailState.SENDING, now
    record.failed_at = record.error = None
    record.recipient, record.transport = sending.letter.recipient, sending.transport


def _existing(tx: Session, sending: Sending) -> Email:
    record = find(tx, sending.job_id, sending.purpose)
    if record is None:
        raise LookupError(f"the send record of job {sending.job_id} is gone")
    return record


def _row(sending: Sending, now: datetime) -> dict[str, object]:
    letter = sending.letter
    return {
        "job_id": sending.job_id,
        "purpose": sending.purpose,
        "recipient": letter.recipient,
        "subject": without_nul(letter.subject),
        "body": without_nul(letter.text),
        "attachment": None if letter.attachment is None else letter.attachment.name,
        "transport": sending.transport,
        "message_id": sending.message_id,
        "state": EmailState.SENDING,
        "possible_duplicate": False,
        "sending_at": now,
        "created_at": now,
    }
