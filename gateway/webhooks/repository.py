"""Storing what a webhook tells: once, under the provider's id, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from gateway.webhooks.events import Inbound
from shared import outbox
from shared.broker.options import NewJob
from shared.database.base import without_nul
from shared.database.models.whatsapp import (
    ConversationWindow,
    Direction,
    MessageState,
    WhatsAppMessage,
)
from shared.database.rows import insert_new
from shared.database.send_records import Receipt, record_receipt
from shared.messages.whatsapp import MessageType

WINDOW_CLOSED = frozenset({("meta", "131047"), ("twilio", "63016")})
"""Providers often take a text and say only later that the 24-hour window was closed."""

AS_TEMPLATE = "template"


def store_messages(tx: Session, messages: Sequence[Inbound], *, now: datetime) -> list[Inbound]:
    """Store every message that is new, and open its sender's 24-hour window; returns the new ones as they came."""
    new = []
    # In one order in every process, so that two batches never wait for each other.
    for message in sorted(messages, key=lambda each: (each.phone, each.provider_id)):
        if _store_inbound(tx, message, now=now):
            _open_window(tx, message)
            new.append(message)
    return sorted(new, key=messages.index)


def store_receipts(tx: Session, receipts: Sequence[Receipt], jobs: Mapping[str, NewJob]) -> list[str]:
    """Store every receipt that is new, and send again as template what met a closed window.

    ``jobs`` holds, by id, the jobs of the receipts that ``may_be_sent_again``. Returns the ids of the outbox
    jobs, to be published after the commit.
    """
    job_ids = []
    for receipt in sorted(receipts, key=lambda each: (each.provider_id, each.at)):
        if record_receipt(tx, receipt) and may_be_sent_again(receipt):
            job_ids += _send_as_template(tx, receipt, jobs)
    return job_ids


def may_be_sent_again(receipt: Receipt) -> bool:
    """Whether the receipt says that a job's message met a closed window."""
    is_closed = (receipt.provider, receipt.error_code) in WINDOW_CLOSED
    return receipt.state is MessageState.FAILED and is_closed and receipt.job_id is not None


def _store_inbound(tx: Session, message: Inbound, *, now: datetime) -> bool:
    row = {
        "direction": Direction.INBOUND,
        "phone": message.phone,
        "provider": message.provider,
        "provider_id": message.provider_id,
        "type": without_nul(message.type),
        "body": without_nul(message.body),
        "state": MessageState.RECEIVED,
        "possible_duplicate": False,
        "received_at": message.at,
        "created_at": now,
    }
    return insert_new(tx, WhatsAppMessage, row)


def _open_window(tx: Session, message: Inbound) -> None:
    """The window counts from the customer's latest message, in whatever order they come."""
    insert_new(tx, ConversationWindow, {"phone": message.phone, "last_inbound_at": message.at})
    later = update(ConversationWindow).where(
        ConversationWindow.phone == message.phone, ConversationWindow.last_inbound_at < message.at
    )
    tx.execute(later.values(last_inbound_at=message.at))


def _send_as_template(tx: Session, receipt: Receipt, jobs: Mapping[str, NewJob]) -> list[str]:
    query = select(WhatsAppMessage).where(
        WhatsAppMessage.provider == receipt.provider, WhatsAppMessage.provider_id == receipt.provider_id
    )
    record = tx.scalar(query)
    job = jobs.get(receipt.job_id or "")
    if record is None or job is None or record.job_id != receipt.job_id or record.template is not None:
        return []
    if record.type == MessageType.GENERIC_MESSAGE or record.state is not MessageState.FAILED:
        return []
    # A message that the customer wrote after our text opened the window anew.
    window = delete(ConversationWindow).where(ConversationWindow.phone == record.phone)
    tx.execute(window.where(ConversationWindow.last_inbound_at < record.sending_at))
    return [outbox.add(tx, str(record.job_id), AS_TEMPLATE, job)]
