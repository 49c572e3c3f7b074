"""Rows as JSON: exact money, plain units, nothing personal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis.strategies import integers
from marshmallow import ValidationError

from gateway.retailer_reading import LedgerCursor
from gateway.row_views import Curtain, day, hundredths, in_units, instant, rupees

MOST_PAISA = 10**14


@given(paisa=integers(-MOST_PAISA, MOST_PAISA))
def test_an_amount_comes_through_json_to_the_paisa(paisa: int) -> None:
    shown = orjson.dumps(rupees(paisa)).decode()

    assert Decimal(shown) == Decimal(paisa).scaleb(-2)


@pytest.mark.parametrize(("paisa", "shown"), [(150_000, "1500"), (150_050, "1500.5"), (1, "0.01"), (-1, "-0.01")])
def test_whole_rupees_are_written_without_a_point(paisa: int, shown: str) -> None:
    assert orjson.dumps(rupees(paisa)).decode() == shown


def test_hundredths_are_numbers() -> None:
    assert [hundredths(value) for value in (9_750, 10_000, 8_725, None)] == [97.5, 100, 87.25, None]


def test_an_instant_is_shown_in_utc_and_a_day_as_it_is() -> None:
    at = datetime(2026, 11, 24, 11, 45, 0, 123_456, tzinfo=timezone(timedelta(hours=5, minutes=45)))

    assert instant(at) == instant(at.astimezone(UTC)) == "2026-11-24T06:00:00.123Z"
    assert day(date(2026, 11, 24)) == "2026-11-24"
    assert (instant(None), day(None)) == (None, None)


def test_a_stored_document_is_shown_in_rupees_and_plain_numbers() -> None:
    stored = {
        "basketPaisa": 150_550,
        "totalHundredths": 8_725,
        "limitPaisa": None,
        "facts": [{"duePaisa": 450_000.0, "share": 0.8}],
        "Paisa": 5,
        "isPaisa": True,
    }

    assert in_units(stored) == {
        "basket": 1505.5,
        "total": 87.25,
        "limit": None,
        "facts": [{"due": 4500, "share": 0.8}],
        "Paisa": 5,
        "isPaisa": True,
    }


def test_the_curtain_hides_what_is_personal_until_it_is_lifted() -> None:
    fields: dict[str, Any] = {"phone": "+9779800000009", "notes": "Sita was out", "reason": "call 9800000009"}

    hidden = {key: Curtain(reveal=False)(key, value) for key, value in fields.items()}

    assert hidden == {"phone": "***09", "notes": "***", "reason": "call ***09"}
    assert {key: Curtain(reveal=True)(key, value) for key, value in fields.items()} == fields


@pytest.mark.parametrize("cursor", ["", "0", "-1", "1.5", "x", "०", "1" * 19, 5])
def test_only_a_cursor_that_a_page_returned_is_read(cursor: Any) -> None:
    with pytest.raises(ValidationError, match="not one that a page returned"):
        LedgerCursor().read(cursor)


def test_a_cursor_is_read_as_it_was_written() -> None:
    assert LedgerCursor().read("50") == 50
