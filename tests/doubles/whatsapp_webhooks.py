"""The webhooks that Meta and Twilio call, built and signed as they do it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

META_PATH = "/api/v1/webhooks/whatsapp/meta"
TWILIO_PATH = "/api/v1/webhooks/whatsapp/twilio"


@dataclass(frozen=True)
class Signed:
    """A request body with the headers that prove who sent it."""

    body: bytes
    headers: dict[str, str]


def meta_status(provider_id: str, state: str, *, recipient: str = "9779800000000", **more: Any) -> dict[str, Any]:
    """One receipt; ``more`` adds ``biz_opaque_callback_data``, ``errors``, ``timestamp``."""
    at = {"timestamp": str(int(time.time()))}
    return {"id": provider_id, "status": state, "recipient_id": recipient} | at | more


def meta_text(provider_id: str, text: str, *, sender: str = "9779800000000", at: float | None = None) -> dict[str, Any]:
    """One inbound text."""
    timestamp = str(int(time.time() if at is None else at))
    return {"from": sender, "id": provider_id, "timestamp": timestamp, "type": "text", "text": {"body": text}}


def meta_button(
    provider_id: str, title: str, payload: str | None = None, *, sender: str = "9779800000000"
) -> dict[str, Any]:
    """A tap on a template's quick reply; without a payload of its own its title stands there."""
    button = {"text": title, "payload": title if payload is None else payload}
    return meta_text(provider_id, "", sender=sender) | {"type": "button", "button": button}


def meta_interactive(provider_id: str, title: str, reply_id: str, *, sender: str = "9779800000000") -> dict[str, Any]:
    """A tap on a reply button."""
    reply = {"type": "button_reply", "button_reply": {"id": reply_id, "title": title}}
    return meta_text(provider_id, "", sender=sender) | {"type": "interactive", "interactive": reply}


def meta_batch(
    *, statuses: list[dict[str, Any]] | None = None, messages: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A notification with all of these in one change."""
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "9771000000", "phone_number_id": "106540352242922"},
    }
    if statuses:
        value["statuses"] = statuses
    if messages:
        value["contacts"] = [{"profile": {"name": "Asha"}, "wa_id": message["from"]} for message in messages]
        value["messages"] = messages
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"value": value, "field": "messages"}]}],
    }


def signed_meta(payload: object, secret: str) -> Signed:
    """``payload`` as JSON with ``X-Hub-Signature-256``."""
    body = json.dumps(payload).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Signed(body, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"})


def signed_twilio(url: str, form: Mapping[str, str], token: str) -> Signed:
    """``form`` with ``X-Twilio-Signature`` for the address that Twilio was given."""
    data = url + "".join(key + form[key] for key in sorted(form))
    digest = hmac.new(token.encode(), data.encode(), hashlib.sha1).digest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": base64.b64encode(digest).decode(),
    }
    return Signed(urlencode(form).encode(), headers)


def twilio_status(provider_id: str, state: str, **more: str) -> dict[str, str]:
    """A status callback's form; ``more`` adds ``ErrorCode`` and the like."""
    return {
        "MessageSid": provider_id,
        "SmsSid": provider_id,
        "MessageStatus": state,
        "SmsStatus": state,
        "To": "whatsapp:+9779800000000",
        "From": "whatsapp:+14155238886",
        "AccountSid": "AC00000000000000000000000000000001",
    } | more


def twilio_text(provider_id: str, text: str, *, sender: str = "+9779800000000") -> dict[str, str]:
    """An inbound message's form."""
    return {
        "MessageSid": provider_id,
        "SmsMessageSid": provider_id,
        "SmsStatus": "received",
        "From": f"whatsapp:{sender}",
        "To": "whatsapp:+14155238886",
        "WaId": sender.lstrip("+"),
        "ProfileName": "Asha",
        "Body": text,
        "NumMedia": "0",
    }


def post(base_url: str, path: str, signed: Signed) -> httpx.Response:
    """Call the webhook of a running gateway."""
    return httpx.post(base_url + path, content=signed.body, headers=signed.headers, timeout=10)
