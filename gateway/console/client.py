"""The HTTP API as the commands use it: the gateway at DOKO_URL, with the token in DOKO_TOKEN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import click
import httpx
from typing_extensions import override

from shared.errors import ConfigurationError
from shared.settings import Settings

Json = dict[str, Any]

TIMEOUT_S = 15.0
UNREACHABLE = 3
"""The exit code when no gateway answers; 1 is a refusal, 2 a wrong use of the command."""

_BASE = "/api/v1"


class Unreachable(click.ClickException):
    """Nobody answers, or nobody who speaks for Doko."""

    exit_code = UNREACHABLE


class RefusedByApi(click.ClickException):
    """The gateway said no; the fields that it named stand below its message."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(str(problem.get("message") or f"the gateway answered {status}"))
        self.status = status
        self._errors: Json = problem.get("errors") or {}

    @override
    def format_message(self) -> str:
        lines = [f"  {field}: {_words(words)}" for field, words in self._errors.items()]
        return "\n".join([self.message, *lines])


class Api:
    """Asks the gateway; what it refuses becomes ``RefusedByApi``."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": "doko-cli"}
        self._client = httpx.Client(base_url=url.rstrip("/") + _BASE, headers=headers, timeout=TIMEOUT_S)

    def get(self, path: str, **query: object) -> Json:
        """What stands at ``path``; parameters that are None are left out."""
        return self._ask("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Json:
        """What the gateway answers to ``body``; values that are None are left out."""
        said = {name: value for name, value in (body or {}).items() if value is not None}
        return self._ask("POST", path, json=said)

    def put(self, path: str, body: Mapping[str, object]) -> Json:
        """What the gateway answers to ``body``, in which None means null."""
        return self._ask("PUT", path, json=body)

    def delete(self, path: str, **query: object) -> Json:
        """What the gateway answers to a removal."""
        return self._ask("DELETE", path, params=query)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _ask(self, method: str, path: str, **options: Any) -> Json:
        if "params" in options:
            options["params"] = {name: _text(value) for name, value in options["params"].items() if value is not None}
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise Unreachable(self._silence(method, error)) from error
        try:
            body = answer.json()
        except ValueError as error:
            reason = f"{self._url} answered {answer.status_code} without JSON: is DOKO_URL a gateway's?"
            raise Unreachable(reason) from error
        if answer.is_error:
            raise RefusedByApi(answer.status_code, body if isinstance(body, dict) else {})
        return dict(body)

    def _silence(self, method: str, error: httpx.HTTPError) -> str:
        if method != "GET" and not isinstance(error, httpx.ConnectError):
            return f"{self._url} gave no answer ({error}); whether it was done is not known: look before you ask again"
        return f"No gateway answers at {self._url} ({error}): is it running, is DOKO_URL right?"


@contextmanager
def connected() -> Iterator[Api]:
    """The API of the settings. ClickException without a token or with wrong settings."""
    try:
        settings = Settings.from_environment()
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error
    if settings.api_token is None:
        raise click.ClickException(
            "DOKO_TOKEN is not set: `doko tokens create --role operator --user NAME` on the gateway's machine makes one"
        )
    api = Api(settings.api_url, settings.api_token)
    try:
        yield api
    finally:
        api.close()


def part(value: str) -> str:
    """A part of a path, whatever characters it has."""
    return quote(value, safe="")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _words(words: object) -> str:
    return "; ".join(map(str, words)) if isinstance(words, list) else str(words)
