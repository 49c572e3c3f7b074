"""What the WhatsApp double can be told to answer: Meta's and Twilio's errors, silence, broken connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto


class Break(Enum):
    """How an answer is spoiled."""

    NOTHING = auto()
    DROP_BEFORE_TAKING = auto()
    """The request is read, the message not taken, the connection closed without an answer."""
    DROP_AFTER_TAKING = auto()
    """The message is taken, the connection closed without an answer."""
    INVALID_JSON = auto()
    """The message is taken, the answer is a complete body that ends in the middle of its JSON."""
    CUT_OFF = auto()
    """The message is taken, the connection closed in the middle of the body."""


@dataclass(frozen=True)
class Answer:
    """One scripted answer; ``status`` None is the provider's own success."""

    status: int | None = None
    body: dict[str, object] | str = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    spoiled: Break = Break.NOTHING
    takes_message: bool = False
    """Whether the message goes out although the answer is an error."""


SUCCESS = Answer()
DROPPED_BEFORE_TAKING = Answer(spoiled=Break.DROP_BEFORE_TAKING)
DROPPED_AFTER_TAKING = Answer(spoiled=Break.DROP_AFTER_TAKING)
INVALID_JSON = Answer(spoiled=Break.INVALID_JSON)
CUT_OFF = Answer(spoiled=Break.CUT_OFF)


def meta_error(
    code: int, status: int = 400, *, is_transient: bool = False, retry_after: str | None = None, details: str = ""
) -> Answer:
    """An error as the Graph API writes it; its texts repeat personal data, as real ones do."""
    error: dict[str, object] = {
        "message": f"(#{code}) {details}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details},
        "fbtrace_id": "AbCdEfGhIjK",
    }
    if is_transient:
        error["is_transient"] = True
    return Answer(status, {"error": error}, _retry_after(retry_after))


def twilio_error(code: int, status: int = 400, *, retry_after: str | None = None, details: str = "") -> Answer:
    """An error as Twilio's REST API writes it."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    body: dict[str, object] = {"code": code, "message": details, "more_info": more_info, "status": status}
    return Answer(status, body, _retry_after(retry_after))


def http_error(status: int, body: str = "<html>error</html>", *, takes_message: bool = False) -> Answer:
    """An error of something between us and the provider: no JSON."""
    return Answer(status, body, {"Content-Type": "text/html"}, takes_message=takes_message)


def rate_limited(retry_after: str | None = None) -> Answer:
    """A plain 429."""
    return Answer(429, {}, _retry_after(retry_after))


def slow(seconds: float) -> Answer:
    """A success that comes late: the message is taken at once."""
    return Answer(delay_s=seconds)


def _retry_after(value: str | None) -> dict[str, str]:
    return {} if value is None else {"Retry-After": value}
