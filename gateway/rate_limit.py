"""The limit of requests a minute of each token, kept on Redis for all gateway processes together.

An enqueueing request is counted by the script that enqueues (each job of a bulk request counts), any other by a
small script of its own. The engine's scripts touch one queue each, so each queue counts its enqueues by itself.
"""

from __future__ import annotations

from gateway.context import current_caller, current_gateway
from shared.broker.options import ClientLimit
from shared.errors import ClientLimitExceeded

WINDOW_MS = 60_000


def requests_per_minute() -> int:
    """What holds for the calling token: its user's own limit, else CLIENT_RATE_LIMIT; 0 is no limit."""
    own = current_caller().requests_per_minute
    return current_gateway().settings.client_rate_limit if own is None else own


def client_limit() -> ClientLimit | None:
    """The limit of the calling token; None without one."""
    limit = requests_per_minute()
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


def words_of_refusal(error: ClientLimitExceeded) -> tuple[str, dict[str, str]]:
    """The words of a 429: which limit, how much, when to come back; and its headers in seconds.

    The headers are ``Retry-After`` and the IETF's ``RateLimit`` fields.
    """
    limit, caller = requests_per_minute(), current_caller()
    seconds = max(1, -(-error.retry_after_ms // 1000))
    whose = "the usual limit" if caller.requests_per_minute is None else f"the limit of user {caller.user}"
    message = f"This token made more than {limit} requests within a minute, {whose}; come back in {seconds} s"
    return message, {
        "Retry-After": str(seconds),
        "RateLimit-Policy": f'"client";q={limit};w={WINDOW_MS // 1000}',
        "RateLimit": f'"client";r=0;t={seconds}',
    }
