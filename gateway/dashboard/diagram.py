"""The state diagram of one job: where it is, and the way it took, from its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.answers import Json
from shared.broker.states import State

BEGIN = "begin"
WIDTH, HEIGHT = 620, 216
_BOX_WIDTH, _BOX_HEIGHT = 104, 32
_CENTRES: dict[str, tuple[int, int]] = {
    BEGIN: (16, 108),
    State.BLOCKED: (140, 40),
    State.WAITING: (140, 108),
    State.DELAYED: (140, 176),
    State.ACTIVE: (338, 108),
    State.COMPLETED: (540, 108),
    State.FAILED: (540, 40),
    State.CANCELLED: (540, 176),
}
_PATHS: dict[tuple[str, str], str] = {
    (BEGIN, State.WAITING): "M22 108 H86",
    (BEGIN, State.BLOCKED): "M20 103 C40 60 60 40 86 40",
    (BEGIN, State.DELAYED): "M20 113 C40 156 60 176 86 176",
    (State.BLOCKED, State.WAITING): "M140 57 V90",
    (State.BLOCKED, State.DELAYED): "M92 52 C62 80 62 136 92 164",
    (State.DELAYED, State.WAITING): "M130 159 V126",
    (State.WAITING, State.DELAYED): "M150 125 V158",
    (State.WAITING, State.ACTIVE): "M193 103 H284",
    (State.ACTIVE, State.WAITING): "M286 114 H195",
    (State.ACTIVE, State.DELAYED): "M330 125 C318 166 262 176 195 176",
    (State.ACTIVE, State.COMPLETED): "M391 108 H486",
    (State.ACTIVE, State.FAILED): "M391 100 C430 92 430 44 486 44",
    (State.ACTIVE, State.CANCELLED): "M391 116 C430 124 430 176 486 176",
    (State.FAILED, State.WAITING): "M487 34 C380 10 240 40 180 91",
    (State.WAITING, State.CANCELLED): "M170 125 C240 206 400 206 486 182",
    (State.DELAYED, State.CANCELLED): "M193 184 C280 206 400 206 486 184",
    (State.BLOCKED, State.CANCELLED): "M193 40 C400 40 300 170 486 172",
}
_ALWAYS = frozenset(
    {
        (BEGIN, State.WAITING),
        (BEGIN, State.DELAYED),
        (State.DELAYED, State.WAITING),
        (State.WAITING, State.ACTIVE),
        (State.ACTIVE, State.COMPLETED),
        (State.ACTIVE, State.FAILED),
        (State.ACTIVE, State.CANCELLED),
        (State.ACTIVE, State.DELAYED),
    }
)
"""Ways that are drawn though nobody took them: what may usually happen."""
_NEXT = {
    "retried": State.WAITING,
    "promoted": State.WAITING,
    "stalled": State.WAITING,
}


@dataclass(frozen=True, slots=True)
class Node:
    """A state as a box; ``visits`` counts how often the job came there."""

    state: str
    x: int
    y: int
    visits: int
    is_here: bool
    width: int = _BOX_WIDTH
    height: int = _BOX_HEIGHT


@dataclass(frozen=True, slots=True)
class Way:
    """An arrow; ``times`` is 0 for a way that the job didn't take."""

    path: str
    times: int
    target: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """The whole picture and the same in words."""

    nodes: tuple[Node, ...]
    ways: tuple[Way, ...]
    words: str
    width: int = WIDTH
    height: int = HEIGHT


def states_of(events: Sequence[Json]) -> list[str]:
    """The states that the job went through, in order, each change once."""
    found: list[str] = []
    for event in events:
        state = _state_after(event)
        if state is not None and (not found or found[-1] != state):
            found.append(state)
    return found


def diagram(events: Sequence[Json], state: str) -> Diagram:
    """The picture of a job in ``state`` with these events (as the API shows them, oldest first)."""
    went = states_of(events)
    if not went or went[-1] != state:
        went.append(state)
    visits = Counter(went)
    taken = Counter(zip([BEGIN, *went], went, strict=False))
    ways = [Way(path, taken.get(way, 0), way[1]) for way, path in _PATHS.items() if way in _ALWAYS or taken.get(way, 0)]
    nodes = [Node(name, x, y, visits.get(name, 0), name == state) for name, (x, y) in _CENTRES.items() if name != BEGIN]
    ways.sort(key=lambda way: way.times)
    return Diagram(tuple(nodes), tuple(ways), " → ".join(went))


def _state_after(event: Json) -> str | None:
    name = event["event"]
    if name == "released":
        return State.DELAYED if event.get("delay") else State.WAITING
    if name in _NEXT:
        return _NEXT[name]
    return name if name in set(State) else None
