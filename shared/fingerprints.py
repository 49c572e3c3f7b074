"""Fingerprints of errors: the same for failures that differ only in numbers, ids, phones and quoted values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from shared.privacy import mask_text

MOST_CHARACTERS = 400
"""Of a message that count: what differs further on is seldom another error."""
TYPE_LENGTH = 128
_HASH_BYTES = 8

_QUOTED = re.compile(r"""'[^']{1,200}'|"[^"]{1,200}"|`[^`]{1,200}`""")
_WITH_DIGITS = re.compile(r"[^\s,;:()\[\]{}<>=]*[0-9][^\s,;:()\[\]{}<>=]*")
_SPACE = re.compile(r"\s+")


def error_type(error: Mapping[str, Any]) -> str:
    """The type that an error names."""
    return str(error.get("type") or "unknown")[:TYPE_LENGTH]


def fingerprint(error: Mapping[str, Any]) -> str:
    """16 hexadecimal digits of an error's type and of what is constant in its message."""
    text = f"{error_type(error)}\n{shape(str(error.get('message') or ''))}"
    return blake2b(text.encode("utf-8", "replace"), digest_size=_HASH_BYTES).hexdigest()


def shape(message: str) -> str:
    """A message with what differs from case to case as ``#``: quoted values, and words with digits in them."""
    text = mask_text(message[: MOST_CHARACTERS * 2])
    text = _WITH_DIGITS.sub("#", _QUOTED.sub("#", text).replace("***", "#"))
    return _SPACE.sub(" ", text).strip()[:MOST_CHARACTERS]
