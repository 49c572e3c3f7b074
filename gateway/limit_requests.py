"""What operators send about limits: a partial change of a queue's, with what to give back to the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from gateway.operator_requests import REASON_LENGTH
from shared.errors import InvalidOption
from shared.queue_limits import HIGHEST, LONGEST_WINDOW_MS, NAMES, Limits, checked_limit
from shared.queues import LONGEST_GROUP_KEY

_OTHERS = ("reset", "reason")


class RateSchema(Schema):
    """So many jobs in each window; ``80/s``, ``1/6s`` and ``600/min`` are taken as well."""

    jobs = fields.Integer(required=True, validate=validate.Range(1, HIGHEST))
    window_ms = fields.Integer(required=True, data_key="windowMs", validate=validate.Range(1, LONGEST_WINDOW_MS))


class ChangeLimitsSchema(Schema):
    """A partial change: what is absent stays, null takes a limit away, ``reset`` gives some back to the environment."""

    concurrency = fields.Integer(allow_none=True, validate=validate.Range(1, HIGHEST))
    rate = fields.Nested(RateSchema, allow_none=True)
    group_key = fields.String(allow_none=True, data_key="groupKey", validate=validate.Length(1, LONGEST_GROUP_KEY))
    group_rate = fields.Nested(RateSchema, allow_none=True, data_key="groupRate")
    group_concurrency = fields.Integer(
        allow_none=True, data_key="groupConcurrency", validate=validate.Range(1, HIGHEST)
    )
    reset = fields.List(fields.String(validate=validate.OneOf(list(NAMES))))
    reason = fields.String(validate=validate.Length(1, REASON_LENGTH))


@dataclass(frozen=True, slots=True)
class ChangeLimits:
    """The limits to set (None takes one away), those to give back, and why."""

    changes: Limits
    reset: tuple[str, ...]
    reason: str


class ChangeLimitsRequest:
    """Reads a ``ChangeLimits`` from a body."""

    schema: Schema = ChangeLimitsSchema()

    def read(self, data: Any) -> ChangeLimits:
        """Raises ValidationError that names every wrong field, its rule and the way out."""
        if not isinstance(data, Mapping):
            raise ValidationError({"_schema": ["must be an object"]})
        errors: dict[str, list[str]] = {}
        changes: dict[str, Any] = {}
        for name, value in data.items():
            if name in NAMES:
                try:
                    changes[name] = checked_limit(name, value)
                except InvalidOption as error:
                    errors[name] = [str(error).removeprefix(f"{name} ")]
            elif name not in _OTHERS:
                errors[name] = [_unknown(name)]
        reset, reason = _reset(data.get("reset"), errors), _reason(data.get("reason"), errors)
        for name in sorted(set(reset) & set(changes)):
            errors[name] = ["can't be set and reset at once"]
        if not errors and not changes and not reset:
            errors["_schema"] = [f"says nothing to change; give one of {', '.join(NAMES)}, or reset"]
        if errors:
            raise ValidationError(errors)
        return ChangeLimits(changes, reset, reason)


def _reset(value: Any, errors: dict[str, list[str]]) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) and name in NAMES for name in value):
        errors["reset"] = [f"must be a list of limits to give back to the environment: {', '.join(NAMES)}"]
        return ()
    return tuple(dict.fromkeys(value))


def _reason(value: Any, errors: dict[str, list[str]]) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not 1 <= len(value) <= REASON_LENGTH:
        errors["reason"] = [f"must be a text of 1 to {REASON_LENGTH} characters"]
        return ""
    return value


def _unknown(name: Any) -> str:
    nearest = get_close_matches(str(name)[:64], list(NAMES), n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"is no limit{hint} (known: {', '.join(NAMES)})"
