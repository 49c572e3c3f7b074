"""The kinds of fields that answers about rows are documented with."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from marshmallow import Schema, fields, validate
from typing_extensions import override

from shared.messages.fields import camel_case


def text(example: str | None = None, *, is_null: bool = False) -> fields.String:
    """Text that is always there, null where it says so."""
    metadata = {} if example is None else {"example": example}
    return fields.String(required=True, allow_none=is_null, metadata=metadata)


def whole(example: int) -> fields.Integer:
    """A whole number that is always there."""
    return fields.Integer(required=True, metadata={"example": example})


def money(example: float) -> fields.Float:
    """Rupees: at most two decimals."""
    return fields.Float(required=True, metadata={"description": "rupees", "example": example})


def points(*, is_null: bool = False) -> fields.Float:
    """0 to 100 with at most two decimals."""
    return fields.Float(required=True, allow_none=is_null, metadata={"description": "0 to 100", "example": 87.25})


def time(*, is_null: bool = False) -> fields.DateTime:
    """An instant."""
    return fields.DateTime(required=True, allow_none=is_null)


def word(words: type[StrEnum], *, is_null: bool = False, data_key: str | None = None) -> fields.String:
    """One of an enum's words."""
    known = validate.OneOf([each.value for each in words])
    return fields.String(required=True, allow_none=is_null, data_key=data_key, validate=known)


def flag() -> fields.Boolean:
    """Yes or no."""
    return fields.Boolean(required=True)


class CamelSchema(Schema):
    """Fields under their camelCase names."""

    @override
    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Name the field."""
        if field_obj.data_key is None:
            field_obj.data_key = camel_case(field_name)
