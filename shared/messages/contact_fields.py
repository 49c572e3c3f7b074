"""Fields for how to reach people, and for when: phones, e-mail addresses, links, business dates, instants."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import phonenumbers
from marshmallow import ValidationError, validate
from typing_extensions import override

from shared.clock import BUSINESS_ZONE, business_day
from shared.messages.fields import Text, Value

HOME_REGION = "NP"
FIRST_YEAR = 1900
LAST_YEAR = 9000
"""Far enough from what Python's calendar can hold to be shifted between zones."""

# Nepal's mobile ranges as in phonenumbers (a test compares them): nearly every recipient, at a fiftieth of the price.
_NEPALI_MOBILE = re.compile(r"(?:\+?977[- ]?)?(9(?:00|6[0-3]|7[0-24-6]|8[0-24-68])[0-9]{7})", re.ASCII)
_PHONE_TEXT = re.compile(r"\+?[\d \xa0().\-/]{5,32}")
_NO_PHONE = "is not a phone number: give it like +977-9800000000 or 9800000000, from abroad with its country code"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.{0,22}", re.ASCII)
_LINK = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)
_check_email = validate.Email()


class Phone(Value[str]):
    """A phone number, normalised to E.164: ``+977-9800000000`` and ``9800000000`` both become ``+9779800000000``."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "string", "format": "phone", "maxLength": 32, "example": "+9779800000000"}

    @override
    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(_NO_PHONE)
        mobile = _NEPALI_MOBILE.fullmatch(value)
        return "+977" + mobile[1] if mobile else _normalised(value)


class EmailAddress(Text):
    """An e-mail address of at most 254 characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(254, **options)

    @override
    def describe(self) -> dict[str, Any]:
        return super().describe() | {"format": "email"}

    @override
    def read(self, value: Any) -> str:
        text = super().read(value)
        try:
            _check_email(text)
        except ValidationError as error:
            raise ValidationError("is not an e-mail address, such as admin@example.com") from error
        return text


class Link(Text):
    """A web address, http or https, of at most 500 characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(500, **options)

    @override
    def read(self, value: Any) -> str:
        text = super().read(value)
        if not _LINK.fullmatch(text):
            raise ValidationError("is not a web address, such as https://pay.example.com/o/1")
        return text


class BusinessDate(Value[date]):
    """A business day: ``2026-01-31``, or an ISO 8601 instant, of which the date in Kathmandu counts."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    @override
    def read(self, value: Any) -> date:
        if isinstance(value, datetime):
            return business_day(_instant_of(value))
        if isinstance(value, date):
            return value
        if isinstance(value, str):
            if _INSTANT.fullmatch(value):
                return business_day(_instant_of(value))
            if _DAY.fullmatch(value):
                return _day_of(value)
        raise ValidationError("must be a date, such as 2026-01-31")

    @override
    def encode(self, value: date) -> str:
        return value.isoformat()


class Instant(Value[datetime]):
    """An ISO 8601 instant; one without a zone means Kathmandu. Kept and written in UTC."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    @override
    def read(self, value: Any) -> datetime:
        if isinstance(value, datetime) or (isinstance(value, str) and _INSTANT.fullmatch(value)):
            return _instant_of(value)
        raise ValidationError("must be a time, such as 2026-01-31T14:30:00+05:45")

    @override
    def encode(self, value: datetime) -> str:
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
        return utc.isoformat().removesuffix("+00:00") + "Z"


def _normalised(value: str) -> str:
    # Letters and extensions are refused before phonenumbers can drop them silently.
    if not _PHONE_TEXT.fullmatch(value):
        raise ValidationError(_NO_PHONE)
    try:
        number = phonenumbers.parse(value, HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise ValidationError(_NO_PHONE) from error
    if not phonenumbers.is_valid_number(number):
        raise ValidationError(_NO_PHONE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _day_of(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValidationError("is not a day of the calendar") from error


def _instant_of(value: datetime | str) -> datetime:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=BUSINESS_ZONE)
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValidationError("is not a time of the calendar, such as 2026-01-31T14:30:00+05:45") from error
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise ValidationError(f"must lie between the years {FIRST_YEAR} and {LAST_YEAR}")
    return instant
