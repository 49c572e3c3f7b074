"""A job's place in a flow: which jobs it waits for, which wait for it, and what a failure means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson
import redis

from shared.broker import keys
from shared.broker.connection import UNREACHABLE
from shared.errors import RedisUnavailable

if TYPE_CHECKING:
    from shared.broker.proxy import JobProxy

RESULT_FIELD = "dep:"
"""Begins the fields of a job's hash that hold what became of its dependencies."""


class OnFailure(StrEnum):
    """What becomes of a job when one that it depends on fails or is cancelled."""

    FAIL = "fail"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class FlowPlace:
    """``depends_on`` maps the ids of the jobs that this one waits for to their keys; ``dependents`` are ids."""

    flow_id: str
    key: str
    depends_on: Mapping[str, str] = field(default_factory=dict)
    dependents: tuple[str, ...] = ()
    on_failure: OnFailure = OnFailure.FAIL

    def to_json(self) -> dict[str, Any]:
        """As it is stored in the job's message; what is empty is left out."""
        place: dict[str, Any] = {"id": self.flow_id, "key": self.key}
        if self.depends_on:
            place["dependsOn"] = dict(self.depends_on)
        if self.dependents:
            place["dependents"] = list(self.dependents)
        if self.on_failure is not OnFailure.FAIL:
            place["onDependencyFailure"] = self.on_failure.value
        return place

    @classmethod
    def from_json(cls, place: Mapping[str, Any]) -> FlowPlace:
        """The place that a job's message or an outbox row holds."""
        return cls(
            flow_id=str(place["id"]),
            key=str(place["key"]),
            depends_on=dict(place.get("dependsOn") or {}),
            dependents=tuple(place.get("dependents") or ()),
            on_failure=OnFailure(place.get("onDependencyFailure", OnFailure.FAIL)),
        )

    def argument(self) -> bytes:
        """What the enqueue script needs of it."""
        wanted: dict[str, Any] = {"id": self.flow_id, "onFailure": self.on_failure.value}
        if self.depends_on:
            wanted["dependsOn"] = list(self.depends_on)
        if self.dependents:
            wanted["dependents"] = orjson.dumps(self.dependents).decode()
        return orjson.dumps(wanted)


def flow_in(document: Mapping[str, Any]) -> FlowPlace | None:
    """The place in a flow that a job's message or record names."""
    place = document.get("flow")
    return FlowPlace.from_json(place) if isinstance(place, Mapping) else None


def waits_for(stored: Mapping[bytes, bytes]) -> list[str]:
    """The dependencies of a flow's job that have not ended well, or the holder that a follow-up waits for."""
    if b"blocker" in stored:
        return [stored[b"blocker"].decode()]
    if b"pending" not in stored:
        return []
    prefix = RESULT_FIELD.encode()
    waits = (name for name, value in stored.items() if name.startswith(prefix) and value in _NOT_ENDED_WELL)
    return sorted(name[len(prefix) :].decode() for name in waits)


_NOT_ENDED_WELL = frozenset({b"w", b"x"})


def dependency_results(client: redis.Redis, proxy: JobProxy) -> dict[str, Any]:
    """The results of the jobs that a running job depended on, by their keys in the flow.

    A dependency that failed, of a job that was released all the same, is not among them. Raises ``RedisUnavailable``.
    """
    place = proxy.flow
    depends_on: dict[str, str] = (place or {}).get("dependsOn") or {}
    if not depends_on:
        return {}
    names = [RESULT_FIELD + job_id for job_id in depends_on]
    try:
        stored: Any = client.hmget(keys.job(proxy.queue_name, proxy.message_id), names)
    except UNREACHABLE as error:
        raise RedisUnavailable(f"Redis can't be reached: {type(error).__name__}") from error
    return {
        key: orjson.loads(value[1:]) if len(value) > 1 else None
        for key, value in zip(depends_on.values(), stored, strict=True)
        if value is not None and value.startswith(b"c")
    }
