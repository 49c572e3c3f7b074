"""Hiding personal data: phones, names, e-mail addresses and message texts.

Logs, errors, Sentry and pages show only what ``mask`` leaves. Hidden is what stands under a personal key, and
whatever looks like a phone number or an e-mail address anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

HIDDEN = "***"

PERSONAL_KEYS = frozenset(
    {"recipient", "phone", "phones", "telephone", "mobile", "whatsapp", "waId", "wa_id", "toPhone", "fromPhone"}
    | {"owner", "ownerName", "owner_name", "retailerName", "retailer_name", "shopName", "shop_name"}
    | {"customerName", "customer_name", "contactName", "contact_name", "profileName", "ProfileName"}
    | {"firstName", "lastName", "fullName", "email", "emails", "e_mail", "reportEmail"}
    | {"message", "text", "body", "Body", "caption", "notes", "note", "buttonText"}
)
"""Keys whose whole value is personal."""

ADDRESS_KEYS = frozenset({"to", "from", "To", "From", "from_"})
"""Keys that hold a phone or address in some places and a state in others: hidden if it has a phone's digits."""

ERROR_KEYS = frozenset({"error", "errors"})
"""Keys whose ``message`` is an error's, so free text and not a message to a person."""

_PHONE = re.compile(
    r"""
    (?: (?: (?<![\w.+]) \+ | %2[Bb] ) \d (?: [\s().-]{0,2} \d ){7,14}   # international, as text or inside a URL
      | (?<![\w.+]) 977 [\s-]? \d (?: [\s-]? \d ){7,9}                 # Nepal without the plus, as WhatsApp writes it
      | (?<![\w.+]) 9[678]\d (?: [\s-]? \d ){7}                        # a Nepali mobile number alone
    )
    (?! \w )                                    # not part of a word, an amount or a longer number
    """,
    re.VERBOSE,
)
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_HAS_LONG_NUMBER = re.compile(r"\d[\d\s().-]{6,}")
_SHORTEST_PHONE = 7
_SMALLEST_MOBILE = 9_600_000_000


def mask(value: Any) -> Any:
    """A deep copy of JSON-like data without personal data; other objects become their masked text."""
    return _mask(value, in_error=False)


def mask_text(text: str) -> str:
    """The text without phone numbers (their last two digits stay) and e-mail addresses."""
    if _HAS_LONG_NUMBER.search(text):
        text = _PHONE.sub(_hidden_phone, text)
    if "@" in text:
        text = _EMAIL.sub(HIDDEN, text)
    return text


def mask_phone(phone: str) -> str:
    """A phone with nothing but its last two digits: ``***00``."""
    return HIDDEN + phone[-2:]


def mask_field(key: str, value: Any) -> Any:
    """The value of one field without personal data, as ``mask`` would leave it."""
    return _mask_field(key, value, in_error=False)


def _mask(value: Any, *, in_error: bool) -> Any:
    kind = type(value)
    if kind is str:
        return mask_text(value)
    if value is None or kind is bool or kind is float or kind is int:
        return _mask_number(value) if kind is int else value
    if kind is dict or isinstance(value, Mapping):
        return {key: _mask_field(key, each, in_error=in_error) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_mask(each, in_error=in_error) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: _mask_field(each.name, getattr(value, each.name), in_error=in_error) for each in fields(value)
        }
    return mask_text(str(value))


def _mask_field(key: Any, value: Any, *, in_error: bool) -> Any:
    if key in PERSONAL_KEYS and not (in_error and key == "message"):
        return _hidden(value)
    if key in ADDRESS_KEYS and isinstance(value, str) and _digits(value) >= _SHORTEST_PHONE:
        return _hidden(value)
    return _mask(value, in_error=in_error or key in ERROR_KEYS)


def _mask_number(value: int) -> int | str:
    """A number, unless it is a phone written as one; durations, amounts and timestamps stay."""
    if value >= _SMALLEST_MOBILE and _PHONE.fullmatch(str(value)):
        return mask_phone(str(value))
    return value


def _hidden(value: Any) -> Any:
    """What is shown for a personal value: the last digits of a phone, else nothing; absent stays absent."""
    if value is None or value == "":
        return value
    if isinstance(value, str) and _PHONE.fullmatch(value):
        return mask_phone(value)
    return HIDDEN


def _hidden_phone(match: re.Match[str]) -> str:
    return mask_phone(match.group())


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)
