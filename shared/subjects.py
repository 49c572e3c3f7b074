"""Whom and what a job is about: its subjects, which the index finds it by.

One table says which keys of a payload name which subject. Phones are kept as a hash, so that neither the index nor
the event stream holds a number. The hash needs no secret: it keeps numbers out of sight, not from somebody who
tries them all; that person would have to have the payloads' own table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import orjson

MOST_VALUES = 20
"""Values of one kind that a job is found by; a reminder may list more orders than that."""
VALUE_LENGTH = 64
_HASH_BYTES = 10
_NO_DIGIT = re.compile(r"\D", re.ASCII)


class SubjectKind(StrEnum):
    """The kinds, as the filter and the API name them."""

    ORDER = "order"
    RETAILER = "retailer"
    PHONE = "phone"
    USER = "user"


Subjects = dict[SubjectKind, tuple[str, ...]]
"""The values of each kind that a job has, without repetitions; a phone's value is its hash."""

# Where each kind stands in a payload; `*` is each element of a list.
_PATHS: tuple[tuple[SubjectKind, tuple[str, ...]], ...] = (
    (SubjectKind.ORDER, ("orderId",)),
    (SubjectKind.ORDER, ("orderNumber",)),
    (SubjectKind.ORDER, ("data", "orderNumber")),
    (SubjectKind.ORDER, ("data", "orders", "*", "orderNumber")),
    (SubjectKind.RETAILER, ("retailerId",)),
    (SubjectKind.RETAILER, ("orderData", "retailerId")),
    (SubjectKind.RETAILER, ("filters", "retailerId")),
    (SubjectKind.PHONE, ("recipient",)),
    (SubjectKind.USER, ("userId",)),
)
_LETTERS = {SubjectKind.ORDER: "o", SubjectKind.RETAILER: "r", SubjectKind.PHONE: "p", SubjectKind.USER: "u"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_FIRST_KEYS = frozenset(path[0] for _, path in _PATHS)


def subjects_of(data: Mapping[str, Any]) -> Subjects:
    """What the payload of a job says it is about."""
    found: Subjects = {}
    if _FIRST_KEYS.isdisjoint(data):
        return found
    for kind, path in _PATHS:
        for value in _values(data, path):
            text = phone_hash(value) if kind is SubjectKind.PHONE else value
            known = found.get(kind, ())
            if text and text not in known and len(known) < MOST_VALUES:
                found[kind] = (*known, text)
    return found


def _values(data: Any, path: tuple[str, ...]) -> Iterator[str]:
    """The texts at ``path``; what is of another shape or too long for an id names nothing."""
    for place, key in enumerate(path):
        if key == "*":
            for element in data if isinstance(data, list | tuple) else ():
                yield from _values(element, path[place + 1 :])
            return
        if not isinstance(data, Mapping):
            return
        data = data.get(key)
        if data is None:
            return
    if isinstance(data, str) and 0 < len(data) <= VALUE_LENGTH and "\x00" not in data:
        yield data


def phone_hash(phone: str) -> str:
    """What the index keeps of a phone: 20 hexadecimal digits made of its digits; empty if it has none."""
    digits = _NO_DIGIT.sub("", phone)
    return blake2b(digits.encode(), digest_size=_HASH_BYTES, person=b"doko-phone").hexdigest() if digits else ""


def index_entry(name: str, data: Mapping[str, Any]) -> bytes:
    """What a job's first event carries for the index: ``{"n": name, "o": [orders], "r": …}``."""
    entry: dict[str, Any] = {"n": name}
    for kind, values in subjects_of(data).items():
        entry[_LETTERS[kind]] = values
    return orjson.dumps(entry)


def read_index_entry(entry: Any) -> tuple[str, Subjects] | None:
    """The name and the subjects in a parsed ``index_entry``; None if it is none."""
    if not isinstance(entry, dict) or not isinstance(entry.get("n"), str):
        return None
    subjects = {
        kind: tuple(value[:VALUE_LENGTH] for value in entry[letter][:MOST_VALUES] if isinstance(value, str))
        for letter, kind in _KINDS.items()
        if isinstance(entry.get(letter), list)
    }
    return entry["n"], subjects
