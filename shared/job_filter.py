r"""The filter language of job lists: ``queue:whatsapp state:failed,delayed -name:order attempt>2 since:1h``.

A filter is terms with spaces between them; a job must satisfy all. A term is ``key:value``, with ``-`` before it for
its opposite. Several values of a term (``state:failed,delayed``), or the same key again, are alternatives. A value with
spaces, commas or quotes stands in double quotes, in which ``\\`` takes the next character as it is.

| key | value |
|---|---|
| ``queue`` | a queue's key or its short name, in any case |
| ``state`` | a state |
| ``name``, ``id`` | a job's name, a job's id |
| ``order``, ``retailer``, ``user`` | a code, as the payload has it |
| ``phone`` | a phone in any usual form |
| ``error`` | the type of the last error, or a part of its message, in any case |
| ``fingerprint`` | of the last error, as lists of failures have it |
| ``attempt`` | a number: ``attempt:3``, ``attempt>2``, ``attempt>=2``, ``attempt<2``, ``attempt<=2`` |
| ``since``, ``until`` | a span before now (``90s``, ``30m``, ``1h``, ``7d``), a day or an instant |

A day or an instant without a zone is meant in Kathmandu; ``until`` a day includes it. Times are those when a job was
created, or when it ended if ``state`` asks for ended jobs only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from shared.errors import QueueError
from shared.job_filter_values import canonical

MAX_LENGTH = 1_000
MAX_TERMS = 30
MAX_VALUES = 50


class InvalidFilter(QueueError):
    """A filter can't be read (HTTP 422); the message names the term, the rule and the nearest valid one."""


class Key(StrEnum):
    """What a term may be about."""

    QUEUE = "queue"
    STATE = "state"
    NAME = "name"
    ID = "id"
    ORDER = "order"
    RETAILER = "retailer"
    PHONE = "phone"
    USER = "user"
    ERROR = "error"
    FINGERPRINT = "fingerprint"
    ATTEMPT = "attempt"
    SINCE = "since"
    UNTIL = "until"


SINGLE = frozenset({Key.SINCE, Key.UNTIL})
"""Keys that stand once, with one value, and have no opposite."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term; its values are in their canonical form (a queue's key, a phone in E.164, a lower-case span)."""

    key: Key
    values: tuple[str, ...]
    operator: str = ":"
    is_negated: bool = False

    def __str__(self) -> str:
        sign = "-" if self.is_negated else ""
        return f"{sign}{self.key}{self.operator}{','.join(map(_quoted, self.values))}"


@dataclass(frozen=True, slots=True)
class JobFilter:
    """The terms that a job must all satisfy; none: every job."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def wanted(self, key: Key) -> tuple[str, ...]:
        """The values that a job may have in ``key``; empty if any will do.

        Where the key stands in several terms (`` state:failed state:delayed``), all of theirs.
        """
        return tuple(value for term in self._of(key) if not term.is_negated for value in term.values)

    def unwanted(self, key: Key) -> tuple[str, ...]:
        """The values that a job must not have in ``key``."""
        return tuple(value for term in self._of(key) if term.is_negated for value in term.values)

    def attempts(self) -> tuple[Term, ...]:
        """The terms about the attempt."""
        return tuple(self._of(Key.ATTEMPT))

    def _of(self, key: Key) -> Iterator[Term]:
        return (term for term in self.terms if term.key is key)


_KEY = re.compile(r"(?P<sign>-?)(?P<key>[A-Za-z_]+)(?P<operator>>=|<=|[:><=])", re.ASCII)
_BARE = re.compile(r'[^\s,"\\]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = re.compile(r'[^\s,"\\]+')


def parse_filter(text: str) -> JobFilter:
    """The filter that ``text`` says. Raises ``InvalidFilter``, nothing else."""
    if len(text) > MAX_LENGTH:
        raise InvalidFilter(f"the filter is {len(text)} characters long, of at most {MAX_LENGTH}")
    terms: list[Term] = []
    place = _skip_space(text, 0)
    while place < len(text):
        term, place = _read_term(text, place)
        if term.key in SINGLE and any(term.key is other.key for other in terms):
            raise InvalidFilter(f"{term.key}: stands twice; give it once")
        terms.append(term)
        if len(terms) > MAX_TERMS:
            raise InvalidFilter(f"the filter has more than {MAX_TERMS} terms")
        place = _skip_space(text, place)
    return JobFilter(tuple(terms))


def _skip_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _read_term(text: str, start: int) -> tuple[Term, int]:
    match = _KEY.match(text, start)
    if match is None:
        raise InvalidFilter(_no_term(_word(text, start)))
    key = _key_named(match["key"])
    is_negated, operator = bool(match["sign"]), match["operator"]
    operator = ":" if operator == "=" else operator
    if operator != ":" and key is not Key.ATTEMPT:
        raise InvalidFilter(f"{key}{operator} compares; only attempt can be compared, write {key}:…")
    if is_negated and key in SINGLE:
        raise InvalidFilter(f"-{key}: has no opposite; use {'until' if key is Key.SINCE else 'since'}:")
    raw, place = _read_values(text, match.end(), key)
    if len(raw) > 1 and (key in SINGLE or operator != ":"):
        raise InvalidFilter(f"{key}{operator} takes one value, not {len(raw)}")
    values = tuple(dict.fromkeys(_canonical(key, value) for value in raw))
    return Term(key, values, operator, is_negated), place


def _read_values(text: str, place: int, key: Key) -> tuple[list[str], int]:
    values: list[str] = []
    while True:
        if quoted := _QUOTED.match(text, place):
            values.append(_ESCAPED.sub(r"\1", quoted[1]))
            place = quoted.end()
        elif bare := _BARE.match(text, place):
            values.append(bare[0])
            place = bare.end()
        else:
            raise InvalidFilter(_no_value(text, place, key))
        if len(values) > MAX_VALUES:
            raise InvalidFilter(f"{key}: has more than {MAX_VALUES} values")
        if place < len(text) and text[place] == ",":
            place += 1
        elif place >= len(text) or text[place].isspace():
            return values, place
        else:
            raise InvalidFilter(f'{key}: put the whole value in quotes: {key}:"…"')


def _no_value(text: str, place: int, key: Key) -> str:
    if place < len(text) and text[place] == '"':
        return f"{key}: its quote is not closed"
    if place < len(text) and text[place] == "\\":
        return f'{key}: a backslash only stands in quotes: {key}:"…"'
    return f"{key}: needs a value right behind it, such as {_EXAMPLES[key]}"


def _word(text: str, start: int) -> str:
    return text[start : start + 60].split(maxsplit=1)[0]


def _no_term(word: str) -> str:
    nearest = get_close_matches(word.lower().lstrip("-"), list(Key), n=1)
    example = _EXAMPLES[Key(nearest[0])] if nearest else _EXAMPLES[Key.ORDER]
    return f"{word!r} is not a term: a term is a key, a colon and a value, such as {example}"


def _key_named(name: str) -> Key:
    try:
        return Key(name.lower())
    except ValueError:
        nearest = get_close_matches(name.lower(), list(Key), n=1)
        hint = f"; did you mean {nearest[0]}:?" if nearest else ""
        raise InvalidFilter(f"{name[:40]!r} is no key of a filter{hint} (known: {', '.join(Key)})") from None


def _canonical(key: Key, value: str) -> str:
    try:
        return canonical(key, value)
    except ValueError as error:
        raise InvalidFilter(f"{key}: {value[:64]!r} {error}") from error


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_EXAMPLES = {
    Key.QUEUE: "queue:whatsapp",
    Key.STATE: "state:failed",
    Key.NAME: "name:order",
    Key.ID: "id:whatsapp-…",
    Key.ORDER: "order:ORD-2026-001",
    Key.RETAILER: "retailer:RET001",
    Key.PHONE: "phone:9800000000",
    Key.USER: "user:sita",
    Key.ERROR: "error:Timeout",
    Key.FINGERPRINT: "fingerprint:0123456789abcdef",
    Key.ATTEMPT: "attempt>2",
    Key.SINCE: "since:1h",
    Key.UNTIL: "until:2026-11-28",
}
