"""Twilio's Messages API, and the account's recent messages for the look after a doubtful send."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode

import httpx

from services.whatsapp.clients.connection import Connection, json_object
from services.whatsapp.clients.protocol import Outgoing, ProviderError, Sent, Verdict
from services.whatsapp.clients.twilio_content import ContentTemplates
from services.whatsapp.clients.verdicts import TWILIO, judge
from services.whatsapp.templates import FilledTemplate
from shared.settings_whatsapp import WhatsAppSettings

TEXT_LIMIT = 1600
CLOCK_SKEW = timedelta(seconds=60)
RECENT_MESSAGES = "50"

_NEVER_ARRIVED = frozenset({"failed", "undelivered", "canceled"})


class TwilioProvider:
    """Sends through Twilio; the job id travels in the status callback's URL and comes back in receipts."""

    name = "twilio"
    text_limit = TEXT_LIMIT
    confirms_later = True

    def __init__(self, settings: WhatsAppSettings) -> None:
        base = settings.twilio_base_url.rstrip("/")
        account, token = settings.twilio_account_sid or "", settings.twilio_auth_token or ""
        self._url = f"{base}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        self._from = settings.twilio_from or ""
        self._webhook_url = settings.twilio_webhook_url
        self._connection = Connection(self.name, timeout_ms=settings.timeout_ms, auth=(account, token))
        # Content templates live on a host of their own; a proxy or test server answers for both.
        self._templates = ContentTemplates(self._connection, base.replace("//api.", "//content.", 1))

    def send(self, message: Outgoing) -> Sent:
        """Send once; raises ProviderError."""
        response = self._connection.post_form(self._url, self._form(message))
        body = json_object(response)
        if not response.is_success:
            raise self._error(response, (body or {}).get("code"))
        if body is None or not isinstance(body.get("sid"), str):
            raise self._connection.unreadable(response)
        if body.get("error_code") is not None:
            raise self._error(response, body["error_code"])
        return Sent(str(body["sid"]))

    def find(self, message: Outgoing, since: datetime) -> list[Sent]:
        """Messages to the recipient with the same text, newest first; Twilio doesn't say which job sent them."""
        query = {"To": _address(message.recipient), "PageSize": RECENT_MESSAGES}
        response = self._connection.get(self._url, query)
        if not response.is_success:
            raise self._error(response, (json_object(response) or {}).get("code"))
        rows = (json_object(response) or {}).get("messages")
        if not isinstance(rows, list):
            raise self._connection.unreadable(response)
        return [Sent(str(row["sid"])) for row in rows if isinstance(row, dict) and _equals(row, message, since)]

    def close(self) -> None:
        """Release connections."""
        self._connection.close()

    def _form(self, message: Outgoing) -> dict[str, str]:
        form = {"To": _address(message.recipient)}
        if self._from.startswith("MG"):
            form["MessagingServiceSid"] = self._from
        else:
            form["From"] = _address(self._from)
        if self._webhook_url:
            form["StatusCallback"] = callback_url(self._webhook_url, message.job_id)
        if isinstance(message.content, FilledTemplate):
            form["ContentSid"] = self._content_sid(message.content)
            variables = {str(number): value for number, value in enumerate(message.content.values, start=1)}
            form["ContentVariables"] = json.dumps(variables, ensure_ascii=False)
        else:
            form["Body"] = message.content
        return form

    def _content_sid(self, filled: FilledTemplate) -> str:
        try:
            sid = self._templates.sid(filled.template.name, filled.template.language)
        except ProviderError as error:
            # Only the list of templates was asked for: the message itself was certainly not sent.
            error.refused = True
            raise
        if sid is None:
            reason = f"no content template named {filled.template.name} in language {filled.template.language}"
            raise ProviderError(self.name, Verdict.PERMANENT, reason, code="not registered", refused=True)
        return sid

    def _error(self, response: httpx.Response, code: object) -> ProviderError:
        number = code if isinstance(code, int) else None
        judgement = judge(TWILIO, status=response.status_code, code=number)
        return self._connection.error(judgement, response, number)


def callback_url(webhook_url: str, job_id: str) -> str:
    """The address for a message's receipts: the webhook with the job's id as ``jobId``."""
    separator = "&" if "?" in webhook_url else "?"
    return f"{webhook_url}{separator}{urlencode({'jobId': job_id})}"


def _address(phone: str) -> str:
    return phone if phone.startswith("whatsapp:") else f"whatsapp:{phone}"


def _equals(row: dict[str, object], message: Outgoing, since: datetime) -> bool:
    return (
        str(row.get("direction", "")).startswith("outbound")
        and row.get("status") not in _NEVER_ARRIVED
        and row.get("to") == _address(message.recipient)
        and str(row.get("body", "")).split() == message.text.split()
        and _created(row) >= since - CLOCK_SKEW
    )


def _created(row: dict[str, object]) -> datetime:
    """When Twilio took the message; the beginning of time if it doesn't say."""
    try:
        created = parsedate_to_datetime(str(row.get("date_created", "")))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return created if created.tzinfo is not None else created.replace(tzinfo=UTC)
