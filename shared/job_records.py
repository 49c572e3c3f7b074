"""Jobs, events and counts as others see them: from a job's hash in Redis, or the ``record`` of its final event."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from shared.broker.flow import FlowPlace, flow_in, waits_for
from shared.broker.states import State
from shared.queues import POLICIES, Queue


@dataclass(frozen=True, slots=True)
class Job:
    """One job, whole. Times are epoch milliseconds (Redis time), None while they lie ahead.

    ``errors`` holds one object per failed attempt: type, message, traceback, attempt, worker, durationMs, at;
    ``waits_for`` ids of jobs whose end this one needs before it may run.
    """

    id: str
    queue: Queue
    name: str
    state: State
    attempt: int
    attempts: int
    data: dict[str, Any]
    version: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    progress: Any = None
    created_at_ms: int = 0
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    due_at_ms: int | None = None
    stalls: int = 0
    released_ms: int = 0
    deduplication_key: str | None = None
    absorbed: int = 0
    worker: str | None = None
    cancel_requested: bool = False
    flow: FlowPlace | None = None
    waits_for: list[str] = field(default_factory=list)

    @property
    def flow_id(self) -> str | None:
        """The flow that the job belongs to, or None."""
        return None if self.flow is None else self.flow.flow_id

    @property
    def depends_on(self) -> list[str]:
        """Ids of the jobs that this one waits for, or waited for."""
        return [] if self.flow is None else list(self.flow.depends_on)

    @property
    def dependents(self) -> list[str]:
        """Ids of the jobs that wait for this one."""
        return [] if self.flow is None else list(self.flow.dependents)

    @property
    def error(self) -> dict[str, Any] | None:
        """The last attempt's error, or None."""
        return self.errors[-1] if self.errors else None


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One transition: when (epoch ms), what, and the event's own fields (attempt, worker, duration, error, by …)."""

    at_ms: int
    event: str
    job_id: str
    fields: dict[str, Any]
    stream_id: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused a queue, why, since when, and when it ends by itself (epoch ms)."""

    by: str
    why: str
    at_ms: int
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class BreakerState:
    """The circuit breaker of a queue's provider: ``closed``, ``open`` or ``probing``; times are epoch milliseconds.

    ``opened`` counts how often it has opened, ever.
    """

    state: str
    opened: int = 0
    since_ms: int | None = None
    why: str = ""
    next_probe_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Limited:
    """How often limits held something back, ever.

    Fetches with jobs waiting that the queue's rate or concurrency stopped, times that a group with more jobs reached
    its limit, and requests of API clients that were refused.
    """

    rate: int = 0
    concurrency: int = 0
    groups: int = 0
    clients: int = 0


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Counts of a queue, read in constant time: ``completed`` ever, the others now."""

    queue: Queue
    waiting: int
    active: int
    completed: int
    failed: int
    delayed: int
    blocked: int
    cancelled: int
    kept: int
    backlog: int
    workers: int
    events: int
    stalled: int
    deduplicated: int
    oldest_waiting_ms: int | None
    pause: Pause | None
    breaker: BreakerState
    limited: Limited = Limited()
    parked: int = 0
    total_failed: int = 0
    total_cancelled: int = 0

    @property
    def is_paused(self) -> bool:
        """Whether no worker takes its jobs."""
        return self.pause is not None


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs without their data, and the cursor of the next page (None at the end)."""

    jobs: list[Job]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Jobs that match a filter, without their data, and the cursor of what was not looked at yet (None at the end).

    A page may hold fewer jobs than asked for, even none, and still have a cursor: each looks at so many jobs only.
    ``unindexed_events`` wait for the archiver, the oldest of them for ``index_lag_ms``: jobs that they created are
    found if they are among the newest.
    """

    jobs: list[Job]
    cursor: str | None
    unindexed_events: int
    index_lag_ms: int


@dataclass(frozen=True, slots=True)
class FailedPage:
    """Failed jobs from ``start`` to ``end`` inclusive, newest first, and how many there are in all."""

    jobs: list[Job]
    total: int

    @property
    def count(self) -> int:
        """How many jobs this page holds."""
        return len(self.jobs)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How many jobs a clean removed."""

    completed: int
    failed: int


class JobArchive(Protocol):
    """Where jobs and events live on after Redis has forgotten them."""

    def job(self, job_id: str) -> Job | None:
        """The job as it last finished, or None."""

    def events(self, job_id: str) -> list[JobEvent]:
        """Its archived events, oldest first."""

    def jobs_by_id(self, job_ids: Collection[str]) -> dict[str, Job]:
        """Those of these jobs that it knows, as they last finished."""

    def ended(
        self, queue: Queue, state: State, before: tuple[int, str] | None, until_ms: int | None, limit: int
    ) -> list[tuple[str, int]]:
        """Ids of jobs that ended in this state and when (epoch ms), newest first, behind ``before``: (when, id)."""


def job_from_record(job_id: str, queue: Queue, record: Mapping[str, Any]) -> Job:
    """The job that a final event's ``record`` describes."""
    options = dict(record.get("options") or {})
    return Job(
        id=job_id,
        queue=queue,
        name=str(record.get("name", "")),
        state=State(record["state"]),
        attempt=int(record.get("attempt") or 0),
        attempts=int(options.get("attempts", POLICIES[queue].attempts)),
        data=dict(record.get("data") or {}),
        version=int(record.get("v", 1)),
        options=options,
        result=record.get("result"),
        errors=list(record.get("errors") or ()),
        progress=record.get("progress"),
        created_at_ms=int(record.get("createdAt") or 0),
        started_at_ms=record.get("startedAt"),
        finished_at_ms=record.get("finishedAt"),
        stalls=int(record.get("stalls") or 0),
        released_ms=int(record.get("releasedMs") or 0),
        deduplication_key=record.get("deduplicationKey"),
        flow=flow_in(record),
    )


def job_from_hash(job_id: str, queue: Queue, stored: Mapping[bytes, bytes], due_at_ms: int | None = None) -> Job:
    """The job that a hash in Redis holds; a message that can't be read leaves ``name`` and ``data`` empty."""

    def number(name: bytes) -> int | None:
        return int(stored[name]) if name in stored else None

    created, message = _read_message(stored.get(b"msg", b""))
    options = dict(message.get("options") or {})
    if b"priority" in stored:
        options["priority"] = int(stored[b"priority"])
    errors = stored.get(b"errors")
    key = stored.get(b"dedup")
    return Job(
        id=job_id,
        queue=queue,
        name=str(message.get("name", "")),
        state=State(stored[b"state"].decode()),
        attempt=number(b"attempt") or 0,
        attempts=int(options.get("attempts", POLICIES[queue].attempts)),
        data=dict(message.get("data") or {}),
        version=int(message.get("v", 1)),
        options=options,
        result=orjson.loads(stored[b"result"]) if b"result" in stored else None,
        errors=orjson.loads(b"[" + errors + b"]") if errors else [],
        progress=orjson.loads(stored[b"progress"]) if b"progress" in stored else None,
        created_at_ms=created,
        started_at_ms=number(b"started"),
        finished_at_ms=number(b"finished"),
        due_at_ms=due_at_ms,
        stalls=number(b"stalls") or 0,
        released_ms=number(b"released") or 0,
        deduplication_key=key.decode() if key else None,
        absorbed=number(b"absorbed") or 0,
        worker=stored[b"worker"].decode() if b"worker" in stored else None,
        cancel_requested=b"cancel" in stored,
        flow=flow_in(message),
        waits_for=waits_for(stored),
    )


def _read_message(packed: bytes) -> tuple[int, dict[str, Any]]:
    created, _, body = packed.partition(b"|")
    try:
        message = orjson.loads(body)
        return int(created), message if isinstance(message, dict) else {}
    except ValueError:
        # The worker fails such a job with a clear error; until then it is shown without its data.
        return 0, {}


def event_from_stream(stream_id: bytes, stored: Mapping[bytes, bytes]) -> JobEvent:
    """One entry of a queue's event stream; the final record is left out, errors are parsed."""
    fields: dict[str, Any] = {}
    for name, value in stored.items():
        if name in _NOT_FIELDS:
            continue
        text = value.decode()
        if name in _JSON_FIELDS and text:
            fields[name.decode()] = orjson.loads(text)
        elif name in _NUMBERS and text.lstrip("-").isdigit():
            fields[name.decode()] = int(text)
        elif text:
            fields[name.decode()] = text
    return JobEvent(
        at_ms=int(stream_id.partition(b"-")[0]),
        event=stored[b"event"].decode(),
        job_id=stored.get(b"job", b"").decode(),
        fields=fields,
        stream_id=stream_id.decode(),
    )


_NOT_FIELDS = frozenset({b"event", b"job", b"record", b"index", b"created"})
_JSON_FIELDS = frozenset({b"error", b"progress"})
_NUMBERS = frozenset({b"attempt", b"duration", b"delay"})
