"""The limits of queues and of their groups: what holds, who set it, and which groups wait because of it.

They are enforced at fetch, so that no attempt burns. What an operator sets wins over the environment of a starting
worker until it is reset, so it survives a restart of workers, and of Redis as jobs do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from shared.broker import keys
from shared.broker.connection import Scripts
from shared.errors import InvalidOption
from shared.queues import LONGEST_GROUP_KEY, Queue, is_group_key

HIGHEST = 1_000_000
LONGEST_WINDOW_MS = 24 * 60 * 60 * 1000
GROUPS_LOOKED_AT = 1_000
NAMES = {
    "concurrency": "cap",
    "rate": "rate",
    "groupKey": "group_key",
    "groupRate": "group_rate",
    "groupConcurrency": "group_cap",
}
"""The API's name of each limit, and the script's."""

_API_NAMES = {ours: theirs for theirs, ours in NAMES.items()}
_UNITS_MS = {"ms": 1, "s": 1_000, "min": 60_000, "m": 60_000, "h": 3_600_000}
_RATE = re.compile(r"(\d{1,7})\s*/\s*(\d{0,8})\s*(ms|s|min|m|h)", re.ASCII)

Limits = Mapping[str, Any]
"""By the API's names: whole numbers, rates as ``Rate``, a key as text; None for a limit that an operator took away."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many jobs in each window of so many milliseconds."""

    jobs: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """The limits before and after."""

    before: Limits
    after: Limits


@dataclass(frozen=True, slots=True)
class LimitsInForce:
    """What holds for a queue, and which of it an operator set."""

    limits: Limits
    by_operator: frozenset[str]
    groups_waiting: int


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """A group with parked jobs; ``opens_at_ms`` is when its rate allows the next one, None if that is now."""

    name: str
    parked: int
    running: int
    opens_at_ms: int | None


@dataclass(frozen=True, slots=True)
class WaitingGroups:
    """The groups with the most parked jobs among ``looked_at`` of ``total``."""

    groups: list[WaitingGroup]
    total: int
    looked_at: int


class QueueLimits:
    """Reads and changes limits. Every method raises ``RedisUnavailable`` when Redis can't be reached."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client: Any = scripts.client  # redis-py types its replies as bytes, text or awaitables at once

    def of(self, queue: Queue) -> LimitsInForce:
        """What holds now."""
        _, limits, by_operator = self._scripts.run("limits", queue.value, ("show", "{}", "[]"))
        names = frozenset(_API_NAMES[name] for name in orjson.loads(by_operator))
        waiting = int(self._scripts.run("groups_waiting", queue.value, (0,))[0])
        return LimitsInForce(_read(limits), names, waiting)

    def set_by_environment(self, queue: Queue, changes: Limits) -> Change:
        """What a starting worker's settings say; an operator's limits go on holding."""
        return self._change("environment", queue, changes, ())

    def set_by_operator(self, queue: Queue, changes: Limits, reset: Collection[str] = ()) -> Change:
        """Set (None takes away) limits until they are reset; ``reset`` gives some back to the environment.

        Raises ``InvalidOption`` that names the limit, the rule and the way out.
        """
        return self._change("operator", queue, _checked(changes, reset), reset)

    def preview(self, queue: Queue, changes: Limits, reset: Collection[str] = ()) -> Change:
        """What ``set_by_operator`` would change now; nothing is changed."""
        return self._change("preview", queue, _checked(changes, reset), reset)

    def busiest_groups(self, queue: Queue, most: int = 50) -> WaitingGroups:
        """The groups with the most parked jobs; of more than 1,000 that wait, those that come first are looked at."""
        total, *found = self._scripts.run("groups_waiting", queue.value, (GROUPS_LOOKED_AT,))
        groups = [
            WaitingGroup(found[i].decode(), found[i + 1], found[i + 2], _time(found[i + 3]))
            for i in range(0, len(found), 4)
        ]
        groups.sort(key=lambda group: (-group.parked, group.name))
        return WaitingGroups(groups[:most], total, len(groups))

    def _change(self, layer: str, queue: Queue, changes: Limits, reset: Collection[str]) -> Change:
        written = {NAMES[name]: _written(value) for name, value in changes.items()}
        given_back = [NAMES[name] for name in reset]
        reply: Sequence[bytes] = self._scripts.run(
            "limits", queue.value, (layer, orjson.dumps(written), orjson.dumps(given_back))
        )
        return Change(_read(reply[0]), _read(reply[1]))


def stored_group_key(client: Any, queue: Queue, default: str | None) -> str | None:
    """The group key that holds: an operator's, else ``default``."""
    key = client.hget(keys.meta(queue.value), "group_key")
    return default if key is None else key.decode() or None


def checked_limit(name: str, value: Any) -> Any:
    """The limit as it is stored; None takes it away. Raises ``InvalidOption``."""
    if value is None:
        return None
    if name in {"rate", "groupRate"}:
        return parsed_rate(name, value)
    if name == "groupKey":
        if isinstance(value, str) and is_group_key(value):
            return value
        _refuse(
            name,
            f"must be a key of the data or a dotted path of at most {LONGEST_GROUP_KEY} letters",
        )
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= HIGHEST:
        way_out = ": pause the queue to stop it" if value == 0 else ""
        _refuse(name, f"must be a whole number from 1 to {HIGHEST}, or null for no limit{way_out}")
    return value


def parsed_rate(name: str, value: Any) -> Rate:
    """``80/s``, ``1/6s``, ``600/min``, or ``{"jobs": 80, "windowMs": 1000}``. Raises ``InvalidOption``."""
    jobs, window_ms = _parts_of(value)
    if not 1 <= jobs <= HIGHEST or not 1 <= window_ms <= LONGEST_WINDOW_MS:
        _refuse(name, "must be a rate such as 80/s, 1/6s or 600/min, in a window of at most 24 h, or null for none")
    return Rate(jobs, window_ms)


def _checked(changes: Limits, reset: Collection[str]) -> Limits:
    unknown = sorted({*changes, *reset} - set(NAMES))
    if unknown:
        raise InvalidOption(f"{unknown[0]} is no limit (known: {', '.join(NAMES)})", field=unknown[0])
    return {name: checked_limit(name, value) for name, value in changes.items()}


def _parts_of(value: Any) -> tuple[int, int]:
    if isinstance(value, Rate):
        return value.jobs, value.window_ms
    if isinstance(value, str) and (match := _RATE.fullmatch(value.strip())):
        return int(match[1]), int(match[2] or 1) * _UNITS_MS[match[3]]
    if isinstance(value, Mapping) and set(value) == {"jobs", "windowMs"}:
        parts = value["jobs"], value["windowMs"]
        if all(isinstance(part, int) and not isinstance(part, bool) for part in parts):
            return parts
    return 0, 0


def _refuse(name: str, rule: str) -> NoReturn:
    raise InvalidOption(f"{name} {rule}", field=name)


def _written(value: Any) -> Any:
    return f"{value.jobs}/{value.window_ms}" if isinstance(value, Rate) else value


def _read(document: bytes) -> Limits:
    limits: dict[str, Any] = {}
    for name, value in orjson.loads(document).items():
        if name in {"rate", "group_rate"} and value is not None:
            jobs, _, window = value.partition("/")
            limits[_API_NAMES[name]] = Rate(int(jobs), int(window))
        else:
            limits[_API_NAMES[name]] = value
    return limits


def _time(value: bytes) -> int | None:
    return int(float(value)) if value else None
