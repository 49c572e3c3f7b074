"""One job's attempts and time line, put together from what the API says of the job and its events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.answers import Json
from gateway.dashboard.diagram import states_of

BAND = 1000
_LEAST = 3.0
"""The width of a stretch that is too short to be seen."""
_ENDS = frozenset({"completed", "failed", "delayed", "cancelled", "stalled", "released"})


@dataclass(slots=True)
class Attempt:
    """One run: by which worker, from when, how long, how it ended, and its error."""

    number: int
    started_at: str
    worker: str | None
    outcome: str = "active"
    duration_ms: float | None = None
    error: Json | None = None
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time spent in one state, as a part of the band over the time line."""

    state: str
    x: float
    width: float
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the time line, and how long it took until the next."""

    event: str
    at: str
    until_next_ms: float | None
    details: Json


def attempts_of(events: Sequence[Json], errors: Sequence[Json]) -> list[Attempt]:
    """The runs, newest first; each carries the error that the job's record keeps of it."""
    found: list[Attempt] = []
    for event in events:
        if event["event"] == "active":
            found.append(Attempt(event.get("attempt", len(found) + 1), event["at"], event.get("worker")))
        elif event["event"] in _ENDS and found and found[-1].outcome == "active":
            last = found[-1]
            last.outcome = "failed" if event["event"] == "delayed" and event.get("error") else event["event"]
            last.duration_ms = event.get("duration", _span_ms(last.started_at, event["at"]))
            last.error = event.get("error")
    _add_errors(found, errors)
    return found[::-1]


def _add_errors(attempts: list[Attempt], errors: Sequence[Json]) -> None:
    """Give each failed run its error with the traceback; the newest belongs to the newest."""
    failed = [attempt for attempt in attempts if attempt.outcome in {"failed", "stalled"}]
    for attempt, error in zip(reversed(failed), reversed(errors), strict=False):
        attempt.error = {**(attempt.error or {}), **error}
        attempt.worker = attempt.worker or error.get("worker")
        if attempt.duration_ms is None:
            attempt.duration_ms = error.get("durationMs")


def steps_of(events: Sequence[Json]) -> list[Step]:
    """The time line, newest first."""
    following = [*events[1:], None]
    steps = [
        Step(
            event["event"],
            event["at"],
            None if after is None else _span_ms(event["at"], after["at"]),
            {name: value for name, value in event.items() if name not in {"event", "at"} and value not in (None, "")},
        )
        for event, after in zip(events, following, strict=True)
    ]
    return steps[::-1]


def band_of(events: Sequence[Json], *, is_finished: bool, now: datetime | None = None) -> list[Stretch]:
    """How long the job was in each state, one beside the other, ``BAND`` wide together."""
    changes = list(_changes(events))
    if not changes:
        return []
    end = changes[-1][1] if is_finished else (now or datetime.now(UTC)).isoformat()
    spans = [
        (state, max(_span_ms(at, after), 0))
        for (state, at), (_, after) in zip(changes, [*changes[1:], ("", end)], strict=True)
    ]
    spans = [(state, span) for state, span in spans if span > 0]
    total = sum(span for _, span in spans)
    if not total:
        return []
    widths = [max(_LEAST, BAND * span / total) for _, span in spans]
    scale = BAND / sum(widths)
    stretches, x = [], 0.0
    for (state, span), width in zip(spans, widths, strict=True):
        stretches.append(Stretch(state, round(x, 1), round(width * scale, 1), span))
        x += width * scale
    return stretches


def _changes(events: Sequence[Json]) -> Iterator[tuple[str, str]]:
    last = ""
    for event in events:
        state = next(iter(states_of([event])), last)
        if state != last:
            yield state, event["at"]
        last = state


def _span_ms(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() * 1000
