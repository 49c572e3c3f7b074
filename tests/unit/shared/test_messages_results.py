"""What an actor returns, as the result of its job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.messages.credit import Trigger
from shared.messages.results import as_result


@dataclass(frozen=True)
class ScoreResult:
    points: int
    limit_left: Decimal
    band: Trigger


@pytest.mark.parametrize(
    ("returned", "result"),
    [
        (None, {"success": True}),
        ({"changed": False}, {"success": True, "changed": False}),
        (
            {"amount": Decimal("1500.00"), "on": date(2026, 1, 31), "list": (1, None)},
            {"success": True, "amount": 1500, "on": "2026-01-31", "list": [1, None]},
        ),
        ({"at": datetime(2026, 1, 31, 5, tzinfo=UTC)}, {"success": True, "at": "2026-01-31T05:00:00Z"}),
        (ScoreResult(1, Decimal(2), Trigger.MANUAL), {"success": True, "points": 1, "limitLeft": 2, "band": "manual"}),
    ],
)
def test_a_result_is_an_object_that_starts_with_success(returned: Any, result: dict[str, Any]) -> None:
    shown = as_result(returned)

    assert shown == result
    assert next(iter(shown)) == "success"


@pytest.mark.parametrize("returned", [5, "done", [1], {"x": object()}, {"at": datetime(2026, 1, 31)}])  # noqa: DTZ001
def test_what_has_no_json_form_is_no_result(returned: Any) -> None:
    with pytest.raises(TypeError):
        as_result(returned)
