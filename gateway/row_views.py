"""Rows as JSON: money in rupees, instants in UTC, and no personal data unless it is to be revealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from shared.messages.fields import number_of
from shared.money import to_rupees
from shared.privacy import mask_field

_PAISA = "Paisa"
_HUNDREDTHS = "Hundredths"


def rupees(paisa: int) -> int | float:
    """The JSON number of an amount: whole rupees without a point, else with its paisa."""
    return number_of(to_rupees(paisa))


def hundredths(value: float | None) -> int | float | None:
    """The JSON number of a value that is stored in hundredths."""
    return None if value is None else number_of(Decimal(str(value)) / 100)


def instant(value: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds."""
    return None if value is None else value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day(value: date | None) -> str | None:
    """``2026-11-24``."""
    return None if value is None else value.isoformat()


def in_units(value: Any) -> Any:
    """A stored document as it is shown: ``basketPaisa`` becomes ``basket`` in rupees, ``…Hundredths`` a number."""
    if isinstance(value, Mapping):
        return dict(_in_unit(key, each) for key, each in value.items())
    return [in_units(each) for each in value] if isinstance(value, list) else value


def _in_unit(key: str, value: Any) -> tuple[str, Any]:
    for suffix in (_PAISA, _HUNDREDTHS):
        name = key.removesuffix(suffix)
        if name not in {key, ""} and (value is None or type(value) in {int, float}):
            return name, hundredths(value)
    return key, in_units(value)


class Curtain:
    """Masks fields as ``shared.privacy`` says, unless they are to be revealed."""

    def __init__(self, *, reveal: bool) -> None:
        self._reveal = reveal

    def __call__(self, key: str, value: Any) -> Any:
        """The value of the field ``key`` as the caller may see it."""
        return value if self._reveal else mask_field(key, value)
