"""What Redis knows, at one moment, of all that decides when a job runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from shared.broker.states import State, WorkerState
from shared.job_records import BreakerState, Pause
from shared.queue_stats import BREAKER, breaker_from, pause_from


@dataclass(frozen=True, slots=True)
class Line:
    """Where a waiting job stands: ``waiting``, ``solo`` or ``parked``, and how many jobs stand before it there."""

    where: str
    ahead: int


@dataclass(frozen=True, slots=True)
class Group:
    """The job's group: its name, running and parked jobs, when its rate allows the next, the one in line for it."""

    name: str
    running: int
    opens_at_ms: float
    exposed: str
    parked: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the queue: (jobs, window in ms), running jobs; None where there is none."""

    rate: tuple[int, int] | None
    rate_tat_ms: float
    concurrency: int | None
    group_rate: tuple[int, int] | None
    group_concurrency: int | None


@dataclass(frozen=True, slots=True)
class Workers:
    """Those that gave a sign of life, how many take no jobs, and how many threads the others have together."""

    alive: int
    threads: int
    quiet: int


@dataclass(frozen=True, slots=True)
class Facts:
    """One job and its queue. Times are epoch milliseconds of Redis, None where there is none."""

    now_ms: int
    state: State
    attempt: int
    worker: str
    started_at_ms: int | None
    due_at_ms: int | None
    lease_ends_at_ms: int | None
    stalls: int
    released_ms: int
    is_cancelling: bool
    blocker: str
    blocker_state: str
    line: Line
    group: Group | None
    limits: Limits
    workers: Workers
    active: int
    took_ms: Sequence[int]
    pause: Pause | None
    """A person's; the circuit breaker's is told apart."""
    breaker: BreakerState


def facts_from(reply: Sequence[Any]) -> Facts | None:
    """The reply of ``explain.lua``; None without a record."""
    if not reply:
        return None
    now_ms, record, due, lease, where, ahead, group, blocker_state, sizes, alive, descriptions, took, flat = reply
    state, attempt, worker, started, _, group_name, blocker, blocked_until, stalls, released, cancel = record
    meta = dict(zip(flat[::2], flat[1::2], strict=True))
    return Facts(
        now_ms=now_ms,
        state=State(state.decode()),
        attempt=_number(attempt) or 0,
        worker=worker.decode(),
        started_at_ms=_number(started),
        due_at_ms=_number(due) or _number(blocked_until),
        lease_ends_at_ms=_number(lease),
        stalls=_number(stalls) or 0,
        released_ms=_number(released) or 0,
        is_cancelling=bool(cancel),
        blocker=blocker.decode(),
        blocker_state=blocker_state.decode(),
        line=Line(where.decode(), ahead),
        group=_group(group_name, group) if group_name else None,
        limits=_limits(meta),
        workers=_workers(alive, descriptions),
        active=sizes[2],
        took_ms=took,
        pause=_person(pause_from(meta, now_ms)),
        breaker=breaker_from(meta),
    )


def _number(value: bytes) -> int | None:
    return int(float(value)) if value else None


def _group(name: bytes, state: Sequence[Any]) -> Group:
    running, tat, exposed, parked = state
    return Group(name.decode(), max(_number(running) or 0, 0), float(tat or 0), exposed.decode(), parked)


def _limits(meta: Mapping[bytes, bytes]) -> Limits:
    def window(count: bytes, length: bytes) -> tuple[int, int] | None:
        return (int(meta[count]), int(meta[length])) if count in meta else None

    return Limits(
        rate=window(b"rate_n", b"rate_ms"),
        rate_tat_ms=float(meta.get(b"rate_tat", 0)),
        concurrency=_number(meta.get(b"cap", b"")),
        group_rate=window(b"group_n", b"group_ms"),
        group_concurrency=_number(meta.get(b"group_cap", b"")),
    )


def _workers(alive: int, descriptions: Sequence[bytes]) -> Workers:
    described = [orjson.loads(each) for each in descriptions]
    working = [each for each in described if each.get("state", WorkerState.RUNNING) == WorkerState.RUNNING]
    return Workers(alive, sum(each.get("threads", 0) for each in working), len(described) - len(working))


def _person(pause: Pause | None) -> Pause | None:
    return None if pause is None or pause.by == BREAKER else pause
