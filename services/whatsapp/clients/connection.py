"""One pooled HTTP connection to a provider: short timeouts, no retries, transport errors judged.

Whether a request may be repeated at once depends on where it broke: before the
provider could read it, it certainly took nothing; afterwards nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from services.whatsapp.clients.protocol import ProviderError, Verdict
from services.whatsapp.clients.verdicts import MAX_RETRY_AFTER_MS, Judgement

CONNECT_TIMEOUT_MS = 3_000
MAX_CONNECTIONS = 64

_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Connection:
    """A thread-safe HTTP client of one provider; ``timeout_ms`` bounds each read and write."""

    def __init__(
        self,
        provider: str,
        *,
        timeout_ms: int,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.provider = provider
        self._client = httpx.Client(
            auth=auth,
            headers=headers,
            timeout=httpx.Timeout(timeout_ms / 1000, connect=min(timeout_ms, CONNECT_TIMEOUT_MS) / 1000),
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
            follow_redirects=False,
        )

    def post_json(self, url: str, body: Mapping[str, object]) -> httpx.Response:
        """POST ``body`` as JSON; raises ProviderError if no answer came."""
        return self._request("POST", url, json=body)

    def post_form(self, url: str, body: Mapping[str, str]) -> httpx.Response:
        """POST ``body`` form-encoded; raises ProviderError if no answer came."""
        return self._request("POST", url, data=body)

    def get(self, url: str, query: Mapping[str, str]) -> httpx.Response:
        """GET; raises ProviderError if no answer came."""
        return self._request("GET", url, params=query)

    def _request(self, method: str, url: str, **content: object) -> httpx.Response:
        try:
            return self._client.request(method, url, **content)  # type: ignore[arg-type]  # one of json, data, params
        except _BEFORE_SENDING as error:
            raise self._no_answer(error, refused=True) from None
        except httpx.TransportError as error:
            raise self._no_answer(error, refused=False) from None

    def _no_answer(self, error: httpx.TransportError, *, refused: bool) -> ProviderError:
        # The original error is not chained: its request carries the token and the text.
        return ProviderError(self.provider, Verdict.RETRY, "no answer", code=type(error).__name__, refused=refused)

    def error(self, judgement: Judgement, response: httpx.Response, code: int | None) -> ProviderError:
        """The error of an answer.

        A server error without the provider's own code, as a proxy on the way would give it, leaves open
        whether the message was taken.
        """
        is_clear = code is not None or judgement.verdict is not Verdict.RETRY or not response.is_server_error
        retry_after_ms = None
        if judgement.verdict is Verdict.SLOW_DOWN:
            retry_after_ms = retry_after(response) or judgement.delay_ms
        return ProviderError(
            self.provider,
            judgement.verdict,
            judgement.reason,
            code=f"HTTP {response.status_code}" if code is None else f"HTTP {response.status_code}, code {code}",
            refused=is_clear,
            retry_after_ms=retry_after_ms,
        )

    def unreadable(self, response: httpx.Response) -> ProviderError:
        """The error of a success whose body can't be read: the message was probably taken."""
        code = f"HTTP {response.status_code}"
        return ProviderError(self.provider, Verdict.RETRY, "the answer can't be read", code=code, refused=False)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def json_object(response: httpx.Response) -> dict[str, object] | None:
    """The JSON object of a body, None if it is anything else."""
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def retry_after(response: httpx.Response) -> int | None:
    """``Retry-After`` in milliseconds, at most an hour: seconds or an HTTP date; None if absent, wrong or past."""
    header = response.headers.get("Retry-After", "").strip()
    if header.isascii() and header.isdigit():
        wait_ms = int(header) * 1000
    else:
        try:
            instant = parsedate_to_datetime(header)
        except ValueError:
            return None
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        wait_ms = int((instant - datetime.now(UTC)).total_seconds() * 1000)
    return min(wait_ms, MAX_RETRY_AFTER_MS) if wait_ms > 0 else None
