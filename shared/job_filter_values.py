"""The values of a filter's terms: their canonical forms, and the instants that times stand for."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches

from marshmallow import ValidationError

from shared.broker.states import State
from shared.clock import BUSINESS_ZONE
from shared.messages.contact_fields import Phone
from shared.queues import POLICIES, Queue

LONGEST_VALUE = 256
HIGHEST_ATTEMPT = 1_000
LONGEST_SPAN_DAYS = 3_660

_FINGERPRINT = re.compile(r"[0-9a-f]{16}", re.ASCII)
_SPAN = re.compile(r"([0-9]{1,7})([smhd])", re.ASCII)
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}[0-9:.+Zz-]{0,20}", re.ASCII)
_NO_TIME = "is no time: give a span before now (90s, 30m, 1h, 7d), a day (2026-11-28) or an instant"
_FIRST_YEAR, _LAST_YEAR = 2000, 9000

_QUEUES = {policy.folder: queue for queue, policy in POLICIES.items()}
_phone = Phone()


def canonical(key: str, value: str) -> str:
    """The one way to write a value of ``key``. ValueError says what is wrong with it, to stand behind the value."""
    if not value or len(value) > LONGEST_VALUE:
        raise ValueError(f"must have 1 to {LONGEST_VALUE} characters")
    if not value.isprintable():
        raise ValueError("must not have control characters")
    if key in _WITH_RULES:
        return _WITH_RULES[key](value)
    return value


def _queue(value: str) -> str:
    found = _QUEUES.get(value.lower()) or Queue.__members__.get(value.upper().replace("-", "_"))
    if found is None:
        found = next((queue for queue in Queue if queue.value == value.lower()), None)
    if found is None:
        known = [*Queue.__members__, *(folder.upper() for folder in _QUEUES)]
        nearest = get_close_matches(value.upper().replace("-", "_"), known, n=1)
        hint = f"; did you mean {_queue(nearest[0])}?" if nearest else ""
        raise ValueError(f"is no queue{hint} (known: {', '.join(Queue.__members__)})")
    return found.name


def _state(value: str) -> str:
    try:
        return State(value.lower()).value
    except ValueError:
        nearest = get_close_matches(value.lower(), list(State), n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise ValueError(f"is no state{hint} (known: {', '.join(State)})") from None


def _name(value: str) -> str:
    names = [name for policy in POLICIES.values() for name in policy.job_names]
    if value in names:
        return value
    nearest = get_close_matches(value.lower(), names, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    raise ValueError(f"is no job's name{hint} (known: {', '.join(names)})")


def _phone_number(value: str) -> str:
    try:
        return _phone.read(value)
    except ValidationError as error:
        raise ValueError(str(error.messages[0])) from error


def _attempt(value: str) -> str:
    if not (value.isascii() and value.isdecimal() and int(value[:8]) <= HIGHEST_ATTEMPT and len(value) <= len("1000")):
        raise ValueError(f"must be a whole number from 0 to {HIGHEST_ATTEMPT}")
    return str(int(value))


def _time(value: str) -> str:
    if span := _SPAN.fullmatch(value.lower()):
        if int(span[1]) * _UNITS_S[span[2]] > LONGEST_SPAN_DAYS * _UNITS_S["d"]:
            raise ValueError(f"must be at most {LONGEST_SPAN_DAYS}d")
        return f"{int(span[1])}{span[2]}"
    if _DAY.fullmatch(value):
        _day_of(value)
        return value
    return _instant_of(value).isoformat()


def _day_of(value: str) -> date:
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(_NO_TIME) from error
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return day


def _instant_of(value: str) -> datetime:
    text = value.upper()
    if not _INSTANT.fullmatch(text):
        raise ValueError(_NO_TIME)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(_NO_TIME) from error
    _day_of(text[:10])
    return instant.replace(tzinfo=BUSINESS_ZONE).astimezone(UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _fingerprint(value: str) -> str:
    if not _FINGERPRINT.fullmatch(value.lower()):
        raise ValueError("must be the 16 hexadecimal digits that a list of failures shows")
    return value.lower()


_WITH_RULES = {
    "fingerprint": _fingerprint,
    "queue": _queue,
    "state": _state,
    "name": _name,
    "phone": _phone_number,
    "attempt": _attempt,
    "since": _time,
    "until": _time,
}


def first_ms(value: str, now_ms: int) -> int:
    """The first instant that ``since:value`` admits, epoch milliseconds."""
    return _start_ms(value, now_ms)


def last_ms(value: str, now_ms: int) -> int:
    """The last instant that ``until:value`` admits, epoch milliseconds."""
    if _DAY.fullmatch(value):
        return _midnight_ms(_day_of(value) + timedelta(days=1)) - 1
    return _start_ms(value, now_ms)


def _start_ms(value: str, now_ms: int) -> int:
    if span := _SPAN.fullmatch(value):
        return now_ms - int(span[1]) * _UNITS_S[span[2]] * 1000
    if _DAY.fullmatch(value):
        return _midnight_ms(_day_of(value))
    return int(_instant_of(value).timestamp() * 1000)


def _midnight_ms(day: date) -> int:
    return int(datetime.combine(day, time(), BUSINESS_ZONE).timestamp() * 1000)
