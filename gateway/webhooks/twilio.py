"""Twilio's callbacks, one message or receipt each, form-encoded; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.webhooks.events import (
    TYPE_LENGTH,
    Batch,
    Inbound,
    MalformedWebhook,
    job_id_of,
    phone_of,
    provider_id_of,
)
from shared.database.models.whatsapp import MessageState
from shared.database.send_records import Receipt

PROVIDER = "twilio"
RECEIVED = "received"
JOB_ID = "jobId"

# Already "queued" proves that Twilio took the message.
_STATES = {
    "accepted": MessageState.SENT,
    "queued": MessageState.SENT,
    "sending": MessageState.SENT,
    "sent": MessageState.SENT,
    "delivered": MessageState.DELIVERED,
    "read": MessageState.READ,
    "failed": MessageState.FAILED,
    "undelivered": MessageState.FAILED,
}


def parse(form: Mapping[str, str], query: Mapping[str, str], now: datetime) -> Batch:
    """The message or receipt in a callback; raises MalformedWebhook for what is neither.

    Twilio's callbacks carry no time: ``now`` stands for it.
    """
    provider_id = provider_id_of(form.get("MessageSid") or form.get("SmsSid"))
    if provider_id is None:
        raise MalformedWebhook("MessageSid is missing")
    status = form.get("MessageStatus") or form.get("SmsStatus") or RECEIVED
    if status == RECEIVED:
        return _inbound(form, provider_id, now)
    state = _STATES.get(status)
    if state is None:
        return Batch(ignored=1)
    code = form.get("ErrorCode") or None
    receipt = Receipt(
        provider=PROVIDER,
        provider_id=provider_id,
        state=state,
        at=now,
        error_code=code[:TYPE_LENGTH] if code else None,
        job_id=job_id_of(query.get(JOB_ID)),
    )
    return Batch(receipts=(receipt,))


def _inbound(form: Mapping[str, str], provider_id: str, now: datetime) -> Batch:
    phone = phone_of(form.get("From"))
    if phone is None:
        raise MalformedWebhook("From must be a WhatsApp number")
    kind = "text" if form.get("NumMedia", "0") == "0" else "media"
    message = Inbound(
        PROVIDER,
        provider_id,
        phone,
        kind,
        body=form.get("Body", ""),
        at=now,
        payload=form.get("ButtonPayload", ""),
        replied_to=provider_id_of(form.get("OriginalRepliedMessageSid")),
    )
    return Batch(inbound=(message,))
