"""Meta's WhatsApp Cloud API: ``POST /{version}/{phoneNumberId}/messages``."""

from __future__ import annotations

from datetime import datetime

import httpx

from services.whatsapp.clients.connection import Connection, json_object
from services.whatsapp.clients.protocol import Outgoing, ProviderError, Sent
from services.whatsapp.clients.verdicts import META, judge
from services.whatsapp.templates import FilledTemplate
from shared.settings_whatsapp import WhatsAppSettings

TEXT_LIMIT = 4096


class MetaProvider:
    """Sends through the Cloud API; the job id travels as ``biz_opaque_callback_data`` and comes back in receipts."""

    name = "meta"
    text_limit = TEXT_LIMIT
    confirms_later = True

    def __init__(self, settings: WhatsAppSettings) -> None:
        base = f"{settings.meta_base_url.rstrip('/')}/{settings.meta_api_version}/{settings.meta_phone_number_id}"
        self._url = f"{base}/messages"
        self._connection = Connection(
            self.name,
            timeout_ms=settings.timeout_ms,
            headers={"Authorization": f"Bearer {settings.meta_access_token}"},
        )

    def send(self, message: Outgoing) -> Sent:
        """Send once; raises ProviderError."""
        response = self._connection.post_json(self._url, body_of(message))
        if not response.is_success:
            raise self._error(response)
        provider_id = _message_id(response)
        if provider_id is None:
            raise self._connection.unreadable(response)
        return Sent(provider_id)

    def find(self, message: Outgoing, since: datetime) -> list[Sent]:  # noqa: ARG002 - the protocol's signature
        """Nothing: the Cloud API can't be asked for sent messages, only its receipts tell."""
        return []

    def close(self) -> None:
        """Release connections."""
        self._connection.close()

    def _error(self, response: httpx.Response) -> ProviderError:
        error = (json_object(response) or {}).get("error")
        details = error if isinstance(error, dict) else {}
        code = details.get("code")
        number = code if isinstance(code, int) else None
        is_transient = details.get("is_transient") is True
        judgement = judge(META, status=response.status_code, code=number, is_transient=is_transient)
        return self._connection.error(judgement, response, number)


def body_of(message: Outgoing) -> dict[str, object]:
    """The request body of a message."""
    body: dict[str, object] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.recipient,
        "biz_opaque_callback_data": message.job_id,
    }
    if isinstance(message.content, FilledTemplate):
        return body | {"type": "template", "template": _template(message.content)}
    return body | {"type": "text", "text": {"preview_url": False, "body": message.content}}


def _template(filled: FilledTemplate) -> dict[str, object]:
    parameters = [{"type": "text", "text": value} for value in filled.values]
    return {
        "name": filled.template.name,
        "language": {"code": filled.template.language.value},
        "components": [{"type": "body", "parameters": parameters}],
    }


def _message_id(response: httpx.Response) -> str | None:
    messages = (json_object(response) or {}).get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    provider_id = first.get("id") if isinstance(first, dict) else None
    return provider_id if isinstance(provider_id, str) and provider_id else None
