"""The limit of requests a minute of each token, kept on Redis for all gateway processes together.

An enqueueing request is counted by the script that enqueues (each job of a bulk request counts), any other by a
small script of its own. The engine's scripts touch one queue each, so each queue counts its enqueues by itself.
"""

from __future__ import annotations

from gateway.context import current_caller, current_gateway
from shared.broker.options import ClientLimit
from shared.errors import ClientLimitExceeded

WINDOW_MS = 60_000


def client_limit() -> ClientLimit | None:
    """The limit of the calling token; None when CLIENT_RATE_LIMIT is 0."""
    limit = current_gateway().settings.client_rate_limit
    if limit == 0:
        return None
    return ClientLimit(client=current_caller().token_id, limit=limit, window_ms=WINDOW_MS)


def count_request() -> None:
    """Count a request that enqueues nothing. Raises ClientLimitExceeded."""
    limit = client_limit()
    if limit is None:
        return
    wait_ms = current_gateway().store.check_client(limit.client, limit.limit, limit.window_ms)
    if wait_ms:
        raise ClientLimitExceeded(f"more than {limit.limit} requests in a minute", retry_after_ms=wait_ms)


def limit_headers(error: ClientLimitExceeded, limit: int) -> dict[str, str]:
    """``Retry-After`` and the IETF's ``RateLimit`` fields of a 429, in seconds."""
    seconds = max(1, -(-error.retry_after_ms // 1000))
    return {
        "Retry-After": str(seconds),
        "RateLimit-Policy": f'"client";q={limit};w={WINDOW_MS // 1000}',
        "RateLimit": f'"client";r=0;t={seconds}',
    }
