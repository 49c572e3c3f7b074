"""The HTTP side of the WhatsApp double: routes, checks and broken answers."""

from __future__ import annotations

import base64
import json
import re
import socket
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.doubles.whatsapp_answers import Answer, Break, meta_error, twilio_error
from tests.doubles.whatsapp_provider import (
    META_PHONE_NUMBER_ID,
    META_TOKEN,
    TWILIO_ACCOUNT,
    TWILIO_TOKEN,
    Request,
    Taken,
    WhatsAppDouble,
    filled,
)

MESSAGES = f"/2010-04-01/Accounts/{TWILIO_ACCOUNT}/Messages.json"
_BAD_PARAMETER = re.compile(r"[\n\t]| {5,}")
_META_PATH = re.compile(rf"/v\d+\.\d+/{META_PHONE_NUMBER_ID}/messages")


class Handler(BaseHTTPRequestHandler):
    """One connection to the double."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Send a message."""
        request = self._read()
        if _META_PATH.fullmatch(request.path):
            self._send_meta(request)
        elif request.path == MESSAGES:
            self._send_twilio(request)
        else:
            self._reply(404, {"error": "no such path"})

    def do_GET(self) -> None:
        """List messages or content templates, as Twilio does."""
        request = self._read()
        if not self._is_twilio_login(request):
            self._answer(twilio_error(20003, 401))
        elif request.path == MESSAGES:
            self._answer_list(request)
        elif request.path == "/v1/Content":
            contents = [
                {"sid": content_sid(name, language), "friendly_name": name, "language": language}
                for name, language in self._double.templates
            ]
            self._reply(200, {"contents": contents, "meta": {"next_page_url": None}})
        else:
            self._reply(404, {"code": 20404, "status": 404})

    def log_message(self, *_: object) -> None:
        """Keep the terminal quiet."""

    @property
    def _double(self) -> WhatsAppDouble:
        return self.server.double  # type: ignore[attr-defined,no-any-return]  # set by the double's own server

    def _read(self) -> Request:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        is_json = "json" in self.headers.get("Content-Type", "")
        body: dict[str, Any] = json.loads(raw) if raw and is_json else dict(parse_qsl(raw))
        address = urlsplit(self.path)
        request = Request(self.command, address.path, dict(parse_qsl(address.query)), dict(self.headers), body)
        self._double.arrived(request)
        return request

    def _send_meta(self, request: Request) -> None:
        body: dict[str, Any] = request.body
        if request.headers.get("Authorization") != f"Bearer {META_TOKEN}":
            self._answer(meta_error(190, 401))
            return
        error = _meta_fault(body, self._double.templates)
        if error is not None:
            self._answer(error)
            return
        answer = self._double.next_answer(body["to"])
        self._answer(answer, lambda number: _taken_by_meta(number, body), _meta_success)

    def _send_twilio(self, request: Request) -> None:
        form = {key: str(value) for key, value in request.body.items()}
        if not self._is_twilio_login(request):
            self._answer(twilio_error(20003, 401))
            return
        if not form.get("To", "").startswith("whatsapp:+") or not ("Body" in form) ^ ("ContentSid" in form):
            self._answer(twilio_error(21211 if "Body" in form else 21602))
            return
        answer = self._double.next_answer(form["To"].removeprefix("whatsapp:"))
        templates = self._double.templates
        self._answer(answer, lambda number: _taken_by_twilio(number, form, templates), _twilio_success)

    def _is_twilio_login(self, request: Request) -> bool:
        login = base64.b64encode(f"{TWILIO_ACCOUNT}:{TWILIO_TOKEN}".encode()).decode()
        return request.headers.get("Authorization") == f"Basic {login}"

    def _answer_list(self, request: Request) -> None:
        to = request.query.get("To")
        answer = self._double.next_answer("list")
        if answer.status is not None:
            self._answer(answer)
            return
        rows = [
            _twilio_row(taken)
            for taken in reversed(self._double.taken)
            if taken.provider == "twilio" and to in {None, f"whatsapp:{taken.recipient}"}
        ]
        self._reply(200, {"messages": rows[: int(request.query.get("PageSize", 50))], "next_page_uri": None})

    def _answer(self, answer: Answer, taken: Any = None, success: Any = None) -> None:
        """Take the message if the answer says so, then answer or break off."""
        is_taken = answer.status is None and answer.spoiled is not Break.DROP_BEFORE_TAKING
        message = self._double.take(taken) if taken and (is_taken or answer.takes_message) else None
        time.sleep(answer.delay_s)
        if answer.spoiled in {Break.DROP_BEFORE_TAKING, Break.DROP_AFTER_TAKING}:
            self._break_off()
        elif answer.status is None:
            status, body = success(message)
            self._reply(status, body, spoiled=answer.spoiled)
        else:
            self._reply(answer.status, answer.body, headers=answer.headers)

    def _reply(
        self,
        status: int,
        body: dict[str, object] | str,
        *,
        headers: dict[str, str] | None = None,
        spoiled: Break = Break.NOTHING,
    ) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        if spoiled is Break.INVALID_JSON:
            content = content[: len(content) // 2]
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if spoiled is Break.CUT_OFF:
            self.wfile.write(content[: len(content) // 2])
            self._break_off()
        else:
            self.wfile.write(content)

    def _break_off(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def content_sid(name: str, language: str) -> str:
    """The double's id of a content template."""
    return f"HX{name}-{language}"


def _meta_fault(body: dict[str, Any], templates: dict[tuple[str, str], str]) -> Answer | None:
    """The error that the Graph API answers to a wrong body."""
    if body.get("messaging_product") != "whatsapp" or not re.fullmatch(r"\+?\d{6,15}", str(body.get("to"))):
        return meta_error(100, details="Invalid parameter")
    if body.get("type") == "text":
        is_valid = 0 < len(body["text"]["body"]) <= 4096
        return None if is_valid else meta_error(100, details="Param text['body'] is invalid")
    template = body["template"]
    registered = templates.get((template["name"], template["language"]["code"]))
    if registered is None:
        return meta_error(132001, 404, details="Template name does not exist in the translation")
    values = [parameter["text"] for parameter in template["components"][0]["parameters"]]
    if len(values) != len(set(re.findall(r"\{\{\d+\}\}", registered))):
        return meta_error(132000, details="Number of parameters does not match")
    if any(not value or _BAD_PARAMETER.search(value) for value in values):
        return meta_error(131009, details="Param text cannot have new-line/tab characters or more than 4 spaces")
    text = filled(registered, {str(number): value for number, value in enumerate(values, 1)})
    return None if len(text) <= 1024 else meta_error(132005, details="Template hydrated text too long")


def _taken_by_meta(number: int, body: dict[str, Any]) -> Taken:
    template = body.get("template") or {}
    values = [each["text"] for part in template.get("components", []) for each in part["parameters"]]
    return Taken(
        provider="meta",
        provider_id=f"wamid.{number:08d}",
        recipient=body["to"],
        kind=body["type"],
        text="|".join(values) if template else body["text"]["body"],
        job_id=body.get("biz_opaque_callback_data"),
        template=template.get("name"),
        language=template.get("language", {}).get("code"),
    )


def _taken_by_twilio(number: int, form: dict[str, str], templates: dict[tuple[str, str], str]) -> Taken:
    callback = dict(parse_qsl(urlsplit(form.get("StatusCallback", "")).query))
    name, language = next((key for key in templates if content_sid(*key) == form.get("ContentSid")), (None, None))
    text = form.get("Body", "")
    if name is not None and language is not None:
        text = filled(templates[name, language], json.loads(form["ContentVariables"]))
    return Taken(
        provider="twilio",
        provider_id=f"SM{number:032d}",
        recipient=form["To"].removeprefix("whatsapp:"),
        kind="text" if name is None else "template",
        text=text,
        job_id=callback.get("jobId"),
        template=name,
        language=language,
    )


def _meta_success(taken: Taken) -> tuple[int, dict[str, object]]:
    wa_id = taken.recipient.lstrip("+")
    return 200, {
        "messaging_product": "whatsapp",
        "contacts": [{"input": taken.recipient, "wa_id": wa_id}],
        "messages": [{"id": taken.provider_id, "message_status": "accepted"}],
    }


def _twilio_success(taken: Taken) -> tuple[int, dict[str, object]]:
    return 201, _twilio_row(taken) | {"status": "queued"}


def _twilio_row(taken: Taken) -> dict[str, object]:
    return {
        "sid": taken.provider_id,
        "to": f"whatsapp:{taken.recipient}",
        "body": taken.text,
        "status": "sent",
        "direction": "outbound-api",
        "date_created": format_datetime(datetime.fromtimestamp(taken.at, UTC)),
        "error_code": None,
    }
