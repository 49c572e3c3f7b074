"""The error table: which provider error means what for a job; pure.

Sources: the error references of Meta's Cloud API and of Twilio. Codes that are
not in the table are judged by their HTTP status.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.whatsapp.clients.protocol import Verdict

META_THROUGHPUT_DELAY_MS = 1_000
PAIR_RATE_DELAY_MS = 6_000
MAX_RETRY_AFTER_MS = 3_600_000

_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429
_UNAUTHORIZED = 401
_REQUEST_TIMEOUT = 408


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, our words for it, and for rate answers how long to wait if the provider doesn't say."""

    verdict: Verdict
    reason: str
    delay_ms: int = META_THROUGHPUT_DELAY_MS


META: dict[int, Judgement] = {
    1: Judgement(Verdict.RETRY, "the API had an unknown error"),
    2: Judgement(Verdict.RETRY, "the API is temporarily unavailable"),
    130429: Judgement(Verdict.SLOW_DOWN, "throughput of the number exceeded"),
    131056: Judgement(Verdict.SLOW_DOWN, "too many messages to one recipient", PAIR_RATE_DELAY_MS),
    131047: Judgement(Verdict.WINDOW_CLOSED, "the 24-hour window is closed"),
    131026: Judgement(Verdict.PERMANENT, "the recipient can't receive WhatsApp messages"),
    100: Judgement(Verdict.PERMANENT, "a parameter is invalid"),
    131009: Judgement(Verdict.PERMANENT, "the value of a parameter is invalid"),
    190: Judgement(Verdict.ACCOUNT, "the access token is invalid or has expired"),
    131031: Judgement(Verdict.ACCOUNT, "the business account is locked"),
    368: Judgement(Verdict.ACCOUNT, "the account is blocked for policy violations"),
}

TWILIO: dict[int, Judgement] = {
    63018: Judgement(Verdict.SLOW_DOWN, "rate of the sender exceeded"),
    63016: Judgement(Verdict.WINDOW_CLOSED, "the 24-hour window is closed"),
    20003: Judgement(Verdict.ACCOUNT, "the account's id or token is wrong, or the account is suspended"),
    63007: Judgement(Verdict.PERMANENT, "the sender is not a WhatsApp number of this account"),
    21608: Judgement(Verdict.PERMANENT, "a trial account may not write to this number"),
}


def judge(table: dict[int, Judgement], *, status: int, code: int | None, is_transient: bool = False) -> Judgement:
    """The judgement on an error answer: its code first, else the provider's hint, else the HTTP status.

    ``status`` is the HTTP status, ``code`` the provider's own code if the body held one,
    ``is_transient`` Meta's hint that the same request may succeed later.
    """
    if code is not None and code in table:
        return table[code]
    if status == _UNAUTHORIZED:
        return Judgement(Verdict.ACCOUNT, "the account's credentials were refused")
    if status == _TOO_MANY_REQUESTS:
        return Judgement(Verdict.SLOW_DOWN, "too many requests")
    if status >= _SERVER_ERROR or status == _REQUEST_TIMEOUT or is_transient:
        return Judgement(Verdict.RETRY, "a temporary error")
    return Judgement(Verdict.PERMANENT, "the request was refused")
