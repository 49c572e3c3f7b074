"""Return values as JSON."""

from __future__ import annotations

from typing import Any

import orjson


def encode_result(result: Any) -> bytes:
    """A return value as JSON; a value that JSON doesn't know is stored as its text. Never fails: the job has run."""
    try:
        return orjson.dumps(result, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return orjson.dumps(text_of(result))


def text_of(value: object) -> str:
    """The text of any object as valid Unicode, even where its own ``__str__`` fails."""
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001 - whatever it raises, the report must go out
        text = f"<{type(value).__name__}, whose text raises {type(error).__name__}>"
    return text.encode("utf-8", "replace").decode()
