"""The states of a job and the events of a queue: the words that code, API, dashboard and docs use."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a job stands; exactly one at any time."""

    WAITING = "waiting"
    DELAYED = "delayed"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"

    @property
    def is_finished(self) -> bool:
        """Whether the job has come to its end (an operator may still retry a failed one)."""
        return self in _FINISHED


_FINISHED = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})


class WorkerState(StrEnum):
    """What a worker does: take jobs, only go on with those it runs, or come to its end."""

    RUNNING = "running"
    QUIET = "quiet"
    STOPPING = "stopping"


class Event(StrEnum):
    """What the queue's event stream records, in the past tense of each transition."""

    WAITING = "waiting"
    DELAYED = "delayed"
    BLOCKED = "blocked"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    STALLED = "stalled"
    RELEASED = "released"
    RETRIED = "retried"
    PROMOTED = "promoted"
    REPLACED = "replaced"
    DEDUPLICATED = "deduplicated"
    CANCELLING = "cancelling"
    PROGRESS = "progress"
    LOGGED = "logged"
    PAUSED = "paused"
    RESUMED = "resumed"
    CLEANED = "cleaned"
    REMOVED = "removed"
    RESTORED = "restored"
    DIRECTED = "directed"
