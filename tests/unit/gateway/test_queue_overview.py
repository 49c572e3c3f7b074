"""Which queue needs somebody."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.queue_overview import Condition, condition_of
from shared.job_records import Pause, QueueStats
from shared.queues import Queue

TARGET_MS = 60_000


def stats(**changes: Any) -> QueueStats:
    names = "waiting active completed failed delayed blocked cancelled kept backlog events stalled deduplicated"
    numbers: dict[str, Any] = dict.fromkeys(names.split(), 0)
    rest = {"queue": Queue.WHATSAPP, "workers": 1, "oldest_waiting_ms": None, "pause": None, "breaker": None}
    return QueueStats(**{**numbers, **rest, **changes})


@pytest.mark.parametrize(
    ("changes", "errors", "condition"),
    [
        ({"workers": 0, "backlog": 1}, None, Condition.STRANDED),
        ({"workers": 0}, None, Condition.UNMANNED),
        ({"pause": Pause("asha", "", 1, None), "workers": 0, "backlog": 1}, None, Condition.PAUSED),
        ({"oldest_waiting_ms": TARGET_MS + 1, "waiting": 1}, None, Condition.LATE),
        ({"oldest_waiting_ms": TARGET_MS, "waiting": 1}, None, Condition.BUSY),
        ({"active": 1}, 0.05, Condition.FAILING),
        ({"active": 1}, 0.04, Condition.BUSY),
        ({}, None, Condition.IDLE),
    ],
)
def test_a_queue_is_what_an_operator_should_know_first(
    changes: dict[str, Any], errors: float | None, condition: Condition
) -> None:
    assert condition_of(stats(**changes), TARGET_MS, errors) is condition
