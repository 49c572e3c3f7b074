"""How amounts, dates and quantities are written in messages, and how text is made safe for a template.

Everything here is pure. Digits are ASCII in both languages, so that an amount
or an order number can be copied out of a message as it stands.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from shared.messages.whatsapp import Language

TRUNCATED = "…"

_WHITESPACE = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")

_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS_NE = (
    "जनवरी",
    "फेब्रुअरी",
    "मार्च",
    "अप्रिल",
    "मे",
    "जुन",
    "जुलाई",
    "अगस्ट",
    "सेप्टेम्बर",
    "अक्टोबर",
    "नोभेम्बर",
    "डिसेम्बर",
)


def day(value: date, language: Language) -> str:
    """``1 Dec 2026`` or ``1 डिसेम्बर 2026``."""
    months = _MONTHS_NE if language is Language.NEPALI else _MONTHS_EN
    return f"{value.day} {months[value.month - 1]} {value.year}"


def quantity(value: Decimal) -> str:
    """``10``, ``2.5``: no trailing zeros, no exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def one_line(text: str) -> str:
    """``text`` as WhatsApp accepts it in a template parameter: no line break, no tab, single spaces.

    Meta refuses a parameter that holds a new line, a tab or more than four spaces in a row.
    """
    return _WHITESPACE.sub(" ", _CONTROL.sub(" ", text)).strip()


def many_lines(text: str) -> str:
    """``text`` without control characters but with its line breaks, as the body of a message."""
    return _CONTROL.sub("", text.replace("\r\n", "\n")).strip()


def shorten(text: str, limit: int) -> str:
    """``text``, cut to at most ``limit`` characters with an ellipsis at the end if it is longer."""
    if len(text) <= limit:
        return text
    return text[: max(0, limit - len(TRUNCATED))].rstrip() + TRUNCATED[:limit]
