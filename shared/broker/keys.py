"""Names of the engine's Redis keys; all keys of a queue share the hash tag and so one slot."""

from __future__ import annotations


def prefix(queue_name: str) -> str:
    """What every key of a queue begins with: ``doko:{whatsapp-messages}:``."""
    return f"doko:{{{queue_name}}}:"


def meta(queue_name: str) -> str:
    """The hash of a queue's pause, limits and counters; also the key that every script is given."""
    return prefix(queue_name) + "meta"


def job(queue_name: str, job_id: str) -> str:
    """The hash of one job."""
    return f"{prefix(queue_name)}job:{job_id}"


def events(queue_name: str) -> str:
    """The stream of every transition."""
    return prefix(queue_name) + "events"


def marker(queue_name: str) -> str:
    """The list that wakes one blocked worker."""
    return prefix(queue_name) + "marker"


def control(queue_name: str, worker: str) -> str:
    """The list through which one worker is told to cancel a job."""
    return f"{prefix(queue_name)}control:{worker}"


def deduplication(queue_name: str, key: str) -> str:
    """The id of the job that holds a deduplication key, or ``r:<id>`` while that job is being enqueued."""
    return f"{prefix(queue_name)}dedup:{key}"


def state_set(queue_name: str, state: str) -> str:
    """The sorted set of the jobs in one state."""
    return prefix(queue_name) + state
