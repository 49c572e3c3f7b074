"""Return values as JSON."""

from __future__ import annotations

from typing import Any

import orjson


def encode_result(result: Any) -> bytes:
    """A return value as JSON; a value that JSON doesn't know is stored as its text."""
    return orjson.dumps(result, default=str, option=orjson.OPT_NON_STR_KEYS)
