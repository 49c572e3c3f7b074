"""The kinds of values in messages: each field says what it takes, how it is refused and how it is written.

A field reads JSON (``deserialize``) and writes it back (``encode``); what it writes it also reads,
to the same value. ``metadata`` carries the same limits into the OpenAPI document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Generic, TypeVar

from marshmallow import ValidationError, fields
from typing_extensions import override

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

ID_LENGTH = 64
MAX_MONEY = Decimal("999999999999.99")
"""14 significant digits: what a JSON number keeps exactly in Python, JavaScript and Redis' cjson."""
MAX_QUANTITY = 1_000_000
QUANTITY_DECIMALS = 3

_PAISA = Decimal("0.01")
# What no database, log line or message template can hold: controls, lone surrogates, line separators.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROLS_BUT_BREAKS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DECIMAL_TEXT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)


class Value(fields.Field[T], Generic[T]):
    """Root of our fields: subclasses implement ``read`` (raise ``ValidationError``) and ``encode``.

    A field that isn't required takes null as absent; absent fields aren't written.
    """

    default_error_messages = {  # noqa: RUF012 - as marshmallow declares it
        "required": "is required",
        "null": "is required, null is not a value here",
    }

    def __init__(self, *, required: bool = True, data_key: str | None = None, default: T | None = None) -> None:
        presence = {"required": True} if required else {"allow_none": True, "load_default": default}
        super().__init__(data_key=data_key, metadata=self.describe(), **presence)
        self._default = default

    def describe(self) -> dict[str, Any]:
        """The field's limits in JSON Schema's words."""
        return {}

    def read(self, value: Any) -> T:
        """The value of a JSON value that is neither absent nor null."""
        raise NotImplementedError

    def encode(self, value: T) -> Any:
        """The JSON value of a value."""
        return value

    def take(self, value: Any, _data: Mapping[str, Any]) -> T:
        """As ``read``; kinds of fields that look at the object around them (``_data``) have their own."""
        return self.read(value)

    @override
    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Read a value; null counts as absent where the field has a default."""
        if value is None and self._default is not None:
            return self._default
        return super().deserialize(value, attr, data, **kwargs)

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> T:
        return self.read(value)

    @override
    def _serialize(self, value: T | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else self.encode(value)

    @override
    def _validate(self, value: Any) -> None:
        """Nothing: ``read`` has checked all (marshmallow would build a validator per call)."""


class Text(Value[str]):
    """Text of 1 to ``longest`` characters that isn't blank; line breaks and tabs only where ``multiline``."""

    def __init__(self, longest: int, *, multiline: bool = False, **options: Any) -> None:
        self.longest = longest
        self.multiline = multiline
        super().__init__(**options)

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.longest}

    @override
    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be text")
        return self._checked(value)

    def _checked(self, value: str) -> str:
        if len(value) > self.longest:
            raise ValidationError(f"is too long: at most {self.longest} characters, got {len(value)}")
        if not value or value.isspace():
            raise ValidationError(f"must not be empty: 1 to {self.longest} characters")
        if self.multiline:
            value = value.replace("\r\n", "\n")
            if _CONTROLS_BUT_BREAKS.search(value):
                raise ValidationError("must not contain control characters other than line breaks and tabs")
        elif _CONTROLS.search(value):
            raise ValidationError("must not contain control characters or line breaks")
        return value


class Id(Text):
    """An id of the platform (order number, retailer code …): any text of 1 to 64 characters without controls."""

    def __init__(self, **options: Any) -> None:
        super().__init__(ID_LENGTH, **options)


class Choice(Value[E], Generic[E]):
    """One of an enum's words, spelt exactly as in the enum."""

    def __init__(self, choices: type[E], **options: Any) -> None:
        self.choices = choices
        self._by_word = {choice.value: choice for choice in choices}
        super().__init__(**options)

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "string", "enum": [choice.value for choice in self.choices]}

    @override
    def read(self, value: Any) -> E:
        choice = self._by_word.get(value) if isinstance(value, str) else None
        if choice is None:
            raise ValidationError(f"must be one of {', '.join(self._by_word)}{self._hint(value)}")
        return choice

    @override
    def encode(self, value: E) -> str:
        return value.value

    def _hint(self, value: Any) -> str:
        if not isinstance(value, str):
            return ""
        folded = {word.lower(): word for word in self._by_word}
        nearest = get_close_matches(value[:40].lower(), folded, n=1)
        return f"; did you mean {folded[nearest[0]]}?" if nearest else ""


class Money(Value[Decimal]):
    """An amount in rupees, exact to the paisa, from a JSON number or a text such as ``"1500.00"``.

    Rounded half up to the paisa from its shortest decimal form (so 1499.9700000000003, a float's noise,
    is 1499.97), and written as a JSON number: whole rupees without a point, else with its paisa. Amounts stay
    below 10^12, where a float's shortest form gives the same two decimals back: what is written is read again
    as the same amount.
    """

    def __init__(self, *, lowest: Decimal = Decimal(0), above: bool = False, **options: Any) -> None:
        self.lowest = lowest
        self.above = above
        super().__init__(**options)

    @override
    def describe(self) -> dict[str, Any]:
        limit = "exclusiveMinimum" if self.above else "minimum"
        return {"type": "number", limit: float(self.lowest), "maximum": float(MAX_MONEY)}

    @override
    def read(self, value: Any) -> Decimal:
        amount = decimal_of(value, "an amount of money, such as 1500.00")
        if not -MAX_MONEY <= amount <= MAX_MONEY:
            raise ValidationError(f"is out of range: at most {MAX_MONEY}")
        amount = amount.quantize(_PAISA, ROUND_HALF_UP) + 0  # + 0: no negative zero
        if amount < self.lowest or (self.above and amount == self.lowest):
            raise ValidationError(f"must be {'more than' if self.above else 'at least'} {self.lowest}")
        return amount

    @override
    def encode(self, value: Decimal) -> int | float:
        return number_of(value)


class SignedMoney(Money):
    """An amount that may be below zero: a debt that has become the retailer's credit."""

    def __init__(self, **options: Any) -> None:
        super().__init__(lowest=-MAX_MONEY, **options)


class Quantity(Value[Decimal]):
    """How many units: more than 0, at most three decimals (2.5 kg), written as a JSON number."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_QUANTITY, "multipleOf": 0.001}

    @override
    def read(self, value: Any) -> Decimal:
        quantity = decimal_of(value, "a quantity, such as 2 or 0.5")
        if not 0 < quantity <= MAX_QUANTITY:
            raise ValidationError(f"must be more than 0 and at most {MAX_QUANTITY}")
        if quantity == int(quantity):
            return Decimal(int(quantity))
        quantity = quantity.normalize()
        exponent = quantity.as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -QUANTITY_DECIMALS:
            raise ValidationError(f"must have at most {QUANTITY_DECIMALS} decimals")
        return quantity

    @override
    def encode(self, value: Decimal) -> int | float:
        return number_of(value)


class Whole(Value[int]):
    """A whole number from ``lowest`` to ``highest``."""

    def __init__(self, lowest: int, highest: int, **options: Any) -> None:
        self.lowest = lowest
        self.highest = highest
        super().__init__(**options)

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest}

    @override
    def read(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON does not tell 2.0 from 2
        if isinstance(value, bool) or not isinstance(value, int) or not self.lowest <= value <= self.highest:
            raise ValidationError(f"must be a whole number from {self.lowest} to {self.highest}")
        return value


class Flag(Value[bool]):
    """true or false."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "boolean"}

    @override
    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value


def camel_case(name: str) -> str:
    """``deduplication_key`` as JSON spells it: ``deduplicationKey``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def decimal_of(value: Any, what: str) -> Decimal:
    """The exact decimal of a JSON number (a float by its shortest form) or of a decimal text.

    Raises ``ValidationError`` for true, false, NaN, infinities and everything else; ``what`` says what was expected.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValidationError(f"must be {what}")
    if isinstance(value, str):
        if not _DECIMAL_TEXT.fullmatch(value):
            raise ValidationError(f"must be {what}")
        return Decimal(value)
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise ValidationError(f"must be {what}; NaN and Infinity are not numbers here")
    return number


def number_of(value: Decimal) -> int | float:
    """The JSON number of a decimal: an int if it is whole, else the float whose shortest form it is."""
    whole = int(value)
    return whole if whole == value else float(value)
