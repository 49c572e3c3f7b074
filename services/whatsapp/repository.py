"""What the service reads and writes: contacts, and the send record of each job.

Each function is one short transaction step; none is open while a provider is called.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.whatsapp.clients.protocol import Outgoing, Sent
from services.whatsapp.domain import Contact
from services.whatsapp.templates import FilledTemplate
from shared.database import send_records
from shared.database.models.whatsapp import (
    ContactPreference,
    ConversationWindow,
    MessageState,
    WhatsAppMessage,
)
from shared.messages.whatsapp import Language, SendMessage


def contact(tx: Session, phone: str) -> Contact:
    """What is known of a number; nothing if it is unknown."""
    preference = tx.get(ContactPreference, phone)
    window = tx.get(ConversationWindow, phone)
    return Contact(
        language=Language(preference.language) if preference is not None and preference.language else None,
        opted_out=preference is not None and preference.opted_out,
        last_inbound_at=None if window is None else window.last_inbound_at,
    )


def close_window(tx: Session, phone: str, *, before: datetime) -> None:
    """Forget the 24-hour window that the provider says is closed, unless the customer wrote since ``before``."""
    query = delete(ConversationWindow).where(ConversationWindow.phone == phone)
    tx.execute(query.where(ConversationWindow.last_inbound_at < before))


def find(tx: Session, job_id: str) -> WhatsAppMessage | None:
    """The job's send record, locked until the transaction ends."""
    return send_records.find(tx, job_id)


def begin(
    tx: Session, job: SendMessage, message: Outgoing, *, provider: str, language: Language, now: datetime
) -> tuple[WhatsAppMessage, bool]:
    """The job's send record and whether this run made it: only then may it send without a look."""
    outgoing = send_records.Outgoing(
        job_id=message.job_id,
        phone=message.recipient,
        provider=provider,
        type=job.type,
        body=message.text,
        template=_template_name(message),
        language=language,
    )
    return send_records.begin(tx, outgoing, now=now)


def send_again(
    record: WhatsAppMessage,
    message: Outgoing,
    *,
    provider: str,
    language: Language,
    possible_duplicate: bool,
    now: datetime,
) -> None:
    """Put the record back to ``sending`` with what is sent this time."""
    send_records.send_again(record, possible_duplicate=possible_duplicate, now=now)
    record.provider = provider
    record.body = message.text
    record.template = _template_name(message)
    record.language = language


def save_sent(tx: Session, job_id: str, sent: Sent, *, now: datetime) -> WhatsAppMessage:
    """Note that the provider took the message, and apply receipts that came before; returns the record.

    A record that a receipt or another run of the job has moved on keeps its provider's id.
    """
    record = send_records.find(tx, job_id)
    if record is None:
        raise LookupError(f"the send record of job {job_id} is gone")
    if record.provider_id is None or record.provider_id == sent.provider_id:
        send_records.record_sent(tx, record, sent.provider_id, now=now)
    return record


def save_refused(tx: Session, job_id: str, code: str, *, now: datetime) -> None:
    """Note that the provider certainly did not take the message, so that the next attempt may send at once."""
    record = send_records.find(tx, job_id)
    if record is not None and record.state is MessageState.SENDING:
        send_records.record_failed(tx, record, code, now=now)


def receipt_of(tx: Session, job_id: str) -> Sent | None:
    """The provider's id of a message that receipts say went out for the job."""
    for receipt in send_records.receipts_of_job(tx, job_id):
        return Sent(receipt.provider_id)
    return None


def unclaimed(tx: Session, provider: str, found: list[Sent], job_id: str) -> Sent | None:
    """The first message found at the provider that no other job's record names."""
    ids = [sent.provider_id for sent in found]
    query = select(WhatsAppMessage.provider_id).where(
        WhatsAppMessage.provider == provider, WhatsAppMessage.provider_id.in_(ids), WhatsAppMessage.job_id != job_id
    )
    taken = set(tx.scalars(query))
    return next((sent for sent in found if sent.provider_id not in taken), None)


def _template_name(message: Outgoing) -> str | None:
    return message.content.template.name if isinstance(message.content, FilledTemplate) else None
