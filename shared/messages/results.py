"""What an actor returns, as the JSON object that the job keeps as its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from shared.messages.fields import camel_case, number_of


def as_result(value: object) -> dict[str, Any]:
    """``{"success": true, …}`` from None, a mapping or a dataclass (its fields in camelCase).

    Decimals become numbers, days and instants ISO 8601 (UTC), enums their values. TypeError for anything else.
    """
    result: dict[str, Any] = {"success": True}
    if value is None:
        return result
    if not isinstance(value, Mapping) and (not is_dataclass(value) or isinstance(value, type)):
        raise TypeError(f"an actor returns None, a mapping or a dataclass, not {type(value).__name__}")
    shown: dict[str, Any] = _json_of(value)
    return result | shown


def _json_of(value: object) -> Any:  # noqa: PLR0911 - one return a kind
    match value:
        case Enum():
            return value.value
        case None | str() | bool() | int() | float():
            return value
        case Decimal():
            return number_of(value)
        case datetime():
            return _instant(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): _json_of(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_json_of(inner) for inner in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {camel_case(item.name): _json_of(getattr(value, item.name)) for item in fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form in a job's result")


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise TypeError("a naive datetime has no JSON form in a job's result: give it its zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
