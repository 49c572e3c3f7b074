"""What a producer may ask for: job options, and the job and answer that go through ``DokoBroker.add``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from shared.broker.flow import FlowPlace
from shared.broker.states import State
from shared.errors import InvalidOption
from shared.queues import POLICIES, Backoff, BackoffType, Queue

_E = TypeVar("_E", bound=StrEnum)

MAX_ATTEMPTS = 1_000
MAX_DELAY_MS = 366 * 24 * 60 * 60 * 1000
MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000
MAX_KEEP = 1_000_000
MAX_KEY_LENGTH = 256
MAX_JOB_ID_LENGTH = 128
LONGEST_GROUP = 200


class DeduplicationMode(StrEnum):
    """What happens to a job whose key is held.

    ``until_finished``: it is not created while the holder is unfinished. ``ttl``: one job per
    window, whatever became of it. ``replace``: a holder that has not run yet takes the newest
    data and keeps its due time; a running one gets one follow-up that runs after it.
    """

    UNTIL_FINISHED = "until_finished"
    TTL = "ttl"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class JobOptions:
    """Options of one job; ``None`` leaves the queue's policy in force. Durations are milliseconds."""

    delay_ms: int = 0
    attempts: int | None = None
    backoff: Backoff | None = None
    timeout_ms: int | None = None
    priority: int | None = None
    deduplication_key: str | None = None
    deduplication_mode: DeduplicationMode = DeduplicationMode.UNTIL_FINISHED
    deduplication_window_ms: int | None = None
    keep_completed: int | None = None
    keep_failed: int | None = None
    job_id: str | None = None
    group: str | None = None

    def __post_init__(self) -> None:
        _check_range("delay", self.delay_ms, 0, MAX_DELAY_MS)
        _check_range("attempts", self.attempts, 1, MAX_ATTEMPTS)
        _check_range("timeout", self.timeout_ms, 1, MAX_TIMEOUT_MS)
        _check_range("priority", self.priority, 1, 100)
        _check_range("removeOnComplete", self.keep_completed, 0, MAX_KEEP)
        _check_range("removeOnFail", self.keep_failed, 0, MAX_KEEP)
        if self.backoff is not None:
            _check_range("backoff.delay", self.backoff.delay_ms, 0, MAX_DELAY_MS)
        _check_text("deduplicationKey", self.deduplication_key, MAX_KEY_LENGTH)
        check_job_id(self.job_id)
        _check_text("group", self.group, LONGEST_GROUP)
        _check_range("deduplicationWindow", self.deduplication_window_ms, 1, MAX_DELAY_MS)
        if self.deduplication_mode is DeduplicationMode.TTL and self.deduplication_window_ms is None:
            _refuse("deduplicationWindow", "the mode 'ttl' needs a window in milliseconds")

    @classmethod
    def from_json(cls, options: Mapping[str, Any]) -> JobOptions:
        """Read the API's ``options`` object.

        ``deduplicate`` must have been resolved by the caller (it depends on the job's default key).
        Raises ``InvalidOption`` naming the field, the rule and the nearest known name.
        """
        values: dict[str, Any] = {}
        for name, value in options.items():
            target = _JSON_NAMES.get(name)
            if target is None:
                _refuse(name, _unknown_option(name))
            values[target] = value
        if "backoff" in values and values["backoff"] is not None:
            values["backoff"] = backoff_from_json(values["backoff"])
        for name in ("keep_completed", "keep_failed"):
            if name in values:
                values[name] = _keep_count(values[name])
        if values.get("deduplication_mode") is not None:
            values["deduplication_mode"] = mode_from_json(values["deduplication_mode"])
        return cls(**{name: value for name, value in values.items() if value is not None})

    def to_json(self) -> dict[str, Any]:
        """The options that differ from their defaults, under the API's names."""
        result: dict[str, Any] = {}
        for attribute, name, default in _FIELDS:
            value = getattr(self, attribute)
            if value == default:
                continue
            if isinstance(value, Backoff):
                value = {"type": str(value.type), "delay": value.delay_ms} | (
                    {"jitter": value.jitter} if value.jitter else {}
                )
            result[name] = value
        return result


_JSON_NAMES = {
    "delay": "delay_ms",
    "attempts": "attempts",
    "backoff": "backoff",
    "timeout": "timeout_ms",
    "priority": "priority",
    "deduplicationKey": "deduplication_key",
    "deduplicationMode": "deduplication_mode",
    "deduplicationWindow": "deduplication_window_ms",
    "removeOnComplete": "keep_completed",
    "removeOnFail": "keep_failed",
    "jobId": "job_id",
    "group": "group",
}
_NAMES_IN_JSON = {ours: theirs for theirs, ours in _JSON_NAMES.items()}
_FIELDS = tuple((each.name, _NAMES_IN_JSON[each.name], each.default) for each in fields(JobOptions))


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to enqueue: ``data`` is its JSON payload, already validated and in camelCase."""

    queue: Queue
    name: str
    data: dict[str, Any]
    version: int = 1
    options: JobOptions = field(default_factory=JobOptions)
    flow: FlowPlace | None = None


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The engine's answer: the job that now stands for the request.

    ``deduplicated`` means that another job holds the key and ``job_id`` is its id;
    ``created`` is false also when the id or the idempotency key was known already.
    """

    job_id: str
    queue: Queue
    state: State
    deduplicated: bool
    created: bool


@dataclass(frozen=True, slots=True)
class Idempotency:
    """An Idempotency-Key of one ``owner`` (a token's id), with the hash of the body it came with."""

    key: str
    owner: str
    body_hash: str


@dataclass(frozen=True, slots=True)
class ClientLimit:
    """At most ``limit`` jobs of ``client`` in each window of ``window_ms``."""

    client: str
    limit: int
    window_ms: int = 60_000


def new_job_id(queue: Queue) -> str:
    """A fresh id that carries its queue and sorts by time: ``whatsapp-019ab3c4d5e6f7a8b9c0``."""
    return f"{POLICIES[queue].folder}-{int(time.time() * 1000):011x}{os.urandom(5).hex()}"


def qualified_job_id(queue: Queue, job_id: str) -> str:
    """A caller's own id with its queue's prefix, so that ids are unique over all queues."""
    prefix = POLICIES[queue].folder + "-"
    return job_id if job_id.startswith(prefix) else prefix + job_id


def backoff_from_json(value: object) -> Backoff:
    """Read ``{"type": "fixed", "delay": 5000}``; a plain number is a fixed delay in milliseconds, as in Bull."""
    if isinstance(value, Backoff):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Backoff(BackoffType.FIXED, value)
    if not isinstance(value, Mapping):
        _refuse("backoff", "must be an object with 'type' and 'delay'")
    unknown = set(value) - {"type", "delay", "jitter"}
    if unknown:
        _refuse(f"backoff.{min(unknown)}", "is unknown; a backoff has 'type', 'delay' and 'jitter'")
    delay = value.get("delay", Backoff().delay_ms)
    _check_range("backoff.delay", delay, 0, MAX_DELAY_MS)
    jitter = value.get("jitter", 0.0)
    if isinstance(jitter, bool) or not isinstance(jitter, int | float) or not 0 <= jitter <= 1:
        _refuse("backoff.jitter", "must be a number from 0 to 1")
    kind: BackoffType = _choice("backoff.type", value.get("type", BackoffType.EXPONENTIAL), BackoffType)
    return Backoff(kind, delay, float(jitter))


def mode_from_json(value: object) -> DeduplicationMode:
    """Read a deduplication mode by its name. Raises ``InvalidOption`` with the nearest one."""
    return _choice("deduplicationMode", value, DeduplicationMode)


def _choice(name: str, value: object, choices: type[_E]) -> _E:
    try:
        return choices(str(value))
    except ValueError:
        nearest = get_close_matches(str(value), list(choices), n=1)
        hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
        _refuse(name, f"must be one of {', '.join(choices)}{hint}")


def _keep_count(value: object) -> object:
    # Bull also takes true (keep none) and false (keep all).
    if isinstance(value, bool):
        return 0 if value else MAX_KEEP
    return value


def _unknown_option(name: str) -> str:
    nearest = get_close_matches(name, list(_JSON_NAMES), n=1)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    return f"is not an option of a job{hint} (known: {', '.join(_JSON_NAMES)})"


def _check_range(name: str, value: object, low: int, high: int) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        _refuse(name, f"must be a whole number from {low} to {high}")


def check_job_id(job_id: str | None) -> None:
    """Raises ``InvalidOption`` for an id that no job can have; None stands for the one that the engine makes."""
    _check_text("jobId", job_id, MAX_JOB_ID_LENGTH)


def _check_text(name: str, value: object, longest: int) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not 1 <= len(value) <= longest or not value.isprintable():
        _refuse(name, f"must be 1 to {longest} printable characters")


def _refuse(name: str, rule: str) -> NoReturn:
    raise InvalidOption(f"{name} {rule}", field=name)
