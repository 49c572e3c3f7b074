"""Send records: what is known of each WhatsApp message on its way, whatever dies.

The row is written as ``sending`` before the provider is called and as ``sent``,
with the provider's id, after it. Receipts move it forward, never back; one that
comes before the provider's id is known is kept and applied when it is. Every
function works in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.database.base import utc_now, without_nul
from shared.database.models.whatsapp import Direction, MessageState, WhatsAppMessage, WhatsAppReceipt
from shared.database.rows import insert_new

_TIME_COLUMNS = {
    MessageState.SENT: "sent_at",
    MessageState.DELIVERED: "delivered_at",
    MessageState.READ: "read_at",
    MessageState.FAILED: "failed_at",
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message about to be sent; ``phone`` is E.164, ``template`` None for free text."""

    job_id: str
    phone: str
    provider: str
    type: str
    body: str = ""
    template: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider says became of a message; ``job_id`` if it hands our callback data back."""

    provider: str
    provider_id: str
    state: MessageState
    at: datetime
    error_code: str | None = None
    job_id: str | None = None


def find(tx: Session, job_id: str) -> WhatsAppMessage | None:
    """The send record of a job, locked until the transaction ends; None before its first send."""
    query = select(WhatsAppMessage).where(WhatsAppMessage.job_id == job_id)
    return tx.scalar(query.with_for_update().execution_options(populate_existing=True))


def begin(tx: Session, message: Outgoing, *, now: datetime | None = None) -> tuple[WhatsAppMessage, bool]:
    """The job's send record and whether it is new; a new one is ``sending``. Commit before calling the provider.

    Two runs of one job get one record: only the run that sees True may send at once,
    the other must first find out what became of the earlier send.
    """
    instant = now or utc_now()
    row = {
        "job_id": message.job_id,
        "direction": Direction.OUTBOUND,
        "phone": message.phone,
        "provider": message.provider,
        "type": message.type,
        "body": without_nul(message.body),
        "template": message.template,
        "language": message.language,
        "state": MessageState.SENDING,
        "possible_duplicate": False,
        "sending_at": instant,
        "created_at": instant,
    }
    is_new = insert_new(tx, WhatsAppMessage, row)
    record = find(tx, message.job_id)
    if record is None:
        raise LookupError(f"the send record of job {message.job_id} is gone")
    return record, is_new


def send_again(record: WhatsAppMessage, *, possible_duplicate: bool, now: datetime | None = None) -> None:
    """Note that a message is sent once more: after a failure, or because nobody knows whether it went out."""
    if record.state not in {MessageState.SENDING, MessageState.FAILED}:
        raise ValueError(f"a message that is {record.state} is not sent again")
    record.state = MessageState.SENDING
    record.sending_at = now or utc_now()
    record.failed_at = None
    record.error_code = None
    record.provider_id = None
    record.possible_duplicate = record.possible_duplicate or possible_duplicate


def record_sent(tx: Session, record: WhatsAppMessage, provider_id: str, *, now: datetime | None = None) -> None:
    """The provider took the message: note its id, then apply the receipts that came before it."""
    _serialise(tx, record.provider, provider_id)
    record.provider_id = provider_id
    _advance(record, MessageState.SENT, now or utc_now(), error_code=None)
    tx.flush()
    query = select(WhatsAppReceipt).where(
        WhatsAppReceipt.provider == record.provider, WhatsAppReceipt.provider_id == provider_id
    )
    for receipt in tx.scalars(query.order_by(WhatsAppReceipt.at, WhatsAppReceipt.received_at)):
        _advance(record, receipt.state, receipt.at, receipt.error_code)
    tx.flush()


def record_failed(tx: Session, record: WhatsAppMessage, error_code: str, *, now: datetime | None = None) -> None:
    """The provider refused the message; a later attempt may send it again."""
    _advance(record, MessageState.FAILED, now or utc_now(), error_code)
    tx.flush()


def record_receipt(tx: Session, receipt: Receipt) -> bool:
    """Keep a receipt and apply it to its message; False if it is known already (a redelivery is a no-op).

    The message is found by the provider's id, else by the job that the provider names:
    that is how a send whose answer got lost is known to have gone out.
    """
    row = {
        "provider": receipt.provider,
        "provider_id": receipt.provider_id,
        "state": receipt.state,
        "at": receipt.at,
        "error_code": receipt.error_code,
        "job_id": receipt.job_id,
        "received_at": utc_now(),
    }
    # Locks go from the message to the provider's id, as in ``record_sent`` after ``find``: no deadlock.
    named = find(tx, receipt.job_id) if receipt.job_id is not None else None
    _serialise(tx, receipt.provider, receipt.provider_id)
    if not insert_new(tx, WhatsAppReceipt, row):
        return False
    record = _message_of(tx, receipt, named)
    if record is not None:
        _advance(record, receipt.state, receipt.at, receipt.error_code)
        tx.flush()
    return True


def receipts_of_job(tx: Session, job_id: str) -> list[WhatsAppReceipt]:
    """The receipts that name the job, oldest first."""
    query = select(WhatsAppReceipt).where(WhatsAppReceipt.job_id == job_id)
    return list(tx.scalars(query.order_by(WhatsAppReceipt.at, WhatsAppReceipt.received_at)))


def _message_of(tx: Session, receipt: Receipt, named: WhatsAppMessage | None) -> WhatsAppMessage | None:
    query = select(WhatsAppMessage).where(
        WhatsAppMessage.provider == receipt.provider, WhatsAppMessage.provider_id == receipt.provider_id
    )
    record = tx.scalar(query.with_for_update())
    if record is not None:
        return record
    if named is None or named.provider_id is not None or named.provider != receipt.provider:
        return None
    named.provider_id = receipt.provider_id
    if receipt.state is not MessageState.FAILED:
        named.sent_at = named.sent_at or receipt.at
    return named


def _serialise(tx: Session, provider: str, provider_id: str) -> None:
    """Let the send and the receipts of one message pass one by one.

    Without it a receipt could miss the provider's id that is being recorded, while the
    recording misses the receipt that is being stored. SQLite has one writer anyway.
    """
    if tx.get_bind().dialect.name == "postgresql":
        key = func.hashtextextended(f"{provider}\n{provider_id}", 0)
        tx.execute(select(func.pg_advisory_xact_lock(key)))


def _advance(record: WhatsAppMessage, state: MessageState, at: datetime, error_code: str | None) -> None:
    """Set the time of ``state`` and, if it is a step forward, the state."""
    column = _TIME_COLUMNS[state]
    if getattr(record, column) is None:
        setattr(record, column, at)
    if record.state.may_become(state):
        record.state = state
        record.error_code = error_code
