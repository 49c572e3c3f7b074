"""Meta's notifications: ``entry[].changes[].value.{messages,statuses}[]``; pure.

Fields that we don't know are passed over, and so are entries that lack what we
need: refusing them would make Meta send the whole batch again for a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from gateway.webhooks.events import (
    TYPE_LENGTH,
    Batch,
    Inbound,
    MalformedWebhook,
    instant_of,
    job_id_of,
    phone_of,
    provider_id_of,
    text_of,
)
from shared.database.models.whatsapp import MessageState
from shared.database.send_records import Receipt

PROVIDER = "meta"

_STATES = {
    "sent": MessageState.SENT,
    "delivered": MessageState.DELIVERED,
    "read": MessageState.READ,
    "played": MessageState.READ,
    "failed": MessageState.FAILED,
}
_TEXTS = (
    ("text", "body"),
    ("button", "text"),
    ("interactive", "button_reply", "title"),
    ("interactive", "list_reply", "title"),
    ("image", "caption"),
    ("video", "caption"),
    ("document", "caption"),
)
_PAYLOADS = (
    ("button", "payload"),
    ("interactive", "button_reply", "id"),
    ("interactive", "list_reply", "id"),
)
_REPLIED_TO = (("context", "id"),)


def parse(body: bytes, now: datetime) -> Batch:
    """The batch in a notification; raises MalformedWebhook for what is no notification."""
    try:
        notification = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedWebhook(f"the body is not JSON: {error.msg} at line {error.lineno}") from error
    if not isinstance(notification, dict):
        raise MalformedWebhook("the body must be a JSON object")
    if not isinstance(notification.get("entry"), list):
        raise MalformedWebhook("entry must be a list")
    messages: list[Inbound | None] = []
    receipts: list[Receipt | None] = []
    for value in _values(notification):
        messages += [_inbound(each, now) for each in _objects(value, "messages")]
        receipts += [_receipt(each, now) for each in _objects(value, "statuses")]
    inbound = tuple(each for each in messages if each is not None)
    known = tuple(each for each in receipts if each is not None)
    return Batch(inbound, known, ignored=len(messages) + len(receipts) - len(inbound) - len(known))


def _values(notification: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in _objects(notification, "entry"):
        for change in _objects(entry, "changes"):
            value = change.get("value")
            if isinstance(value, dict):
                yield value


def _objects(parent: dict[str, Any], name: str) -> list[dict[str, Any]]:
    children = parent.get(name)
    return [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []


def _inbound(message: dict[str, Any], now: datetime) -> Inbound | None:
    provider_id, phone = provider_id_of(message.get("id")), phone_of(message.get("from"))
    if provider_id is None or phone is None:
        return None
    kind = text_of(message.get("type"))[:TYPE_LENGTH] or "unknown"
    return Inbound(
        PROVIDER,
        provider_id,
        phone,
        kind,
        body=_text_at(message, _TEXTS),
        at=instant_of(message.get("timestamp"), now),
        payload=_text_at(message, _PAYLOADS),
        replied_to=provider_id_of(_text_at(message, _REPLIED_TO)),
    )


def _text_at(message: dict[str, Any], paths: tuple[tuple[str, ...], ...]) -> str:
    """The first text that stands under one of the paths, else empty."""
    for path in paths:
        value: Any = message
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value
    return ""


def _receipt(status: dict[str, Any], now: datetime) -> Receipt | None:
    provider_id, state = provider_id_of(status.get("id")), _STATES.get(text_of(status.get("status")))
    if provider_id is None or state is None:
        return None
    errors = _objects(status, "errors")
    code = errors[0].get("code") if errors else None
    return Receipt(
        provider=PROVIDER,
        provider_id=provider_id,
        state=state,
        at=instant_of(status.get("timestamp"), now),
        error_code=str(code)[:TYPE_LENGTH] if isinstance(code, int | str) else None,
        job_id=job_id_of(status.get("biz_opaque_callback_data")),
    )
