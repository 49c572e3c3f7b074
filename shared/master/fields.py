"""The kinds of values that only master data has: codes, names, ratings, times given as a day."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError
from typing_extensions import override

from shared.clock import BUSINESS_ZONE
from shared.messages.contact_fields import BusinessDate, Instant
from shared.messages.fields import ID_LENGTH, Text, Value, decimal_of, number_of

RATING_DECIMALS = 2
HIGHEST_RATING = 5

_FORMULA_STARTS = ("=", "@")


class Name(Text):
    """Text without the spaces around it; what a spreadsheet would take for a formula (``=``, ``@``) is refused."""

    @override
    def read(self, value: Any) -> str:
        text = super().read(value.strip() if isinstance(value, str) else value)
        if text.startswith(_FORMULA_STARTS):
            raise ValidationError("must not begin with = or @, which a spreadsheet takes for a formula")
        return text


class Code(Name):
    """An id of the platform, 1 to 64 characters; otherwise as ``Name``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(ID_LENGTH, **options)


class Rating(Value[Decimal]):
    """A vendor's rating from 0 to 5 with at most two decimals."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "number", "minimum": 0, "maximum": HIGHEST_RATING, "multipleOf": 0.01}

    @override
    def read(self, value: Any) -> Decimal:
        rating = decimal_of(value, "a rating, such as 4.25")
        if not 0 <= rating <= HIGHEST_RATING:
            raise ValidationError(f"must be from 0 to {HIGHEST_RATING}")
        if rating != round(rating, RATING_DECIMALS):
            raise ValidationError(f"must have at most {RATING_DECIMALS} decimals")
        return round(rating, RATING_DECIMALS)

    @override
    def encode(self, value: Decimal) -> int | float:
        return number_of(value)


class Moment(Instant):
    """An ISO 8601 instant, or a day, which means its beginning in Kathmandu."""

    _day = BusinessDate()

    @override
    def read(self, value: Any) -> datetime:
        if isinstance(value, str) and len(value) == len("2026-01-31"):
            day = self._day.read(value)
            return super().read(datetime(day.year, day.month, day.day, tzinfo=BUSINESS_ZONE))
        return super().read(value)
