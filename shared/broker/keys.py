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
    """The list through which one worker is told to cancel a job, or to look at its orders."""
    return f"{prefix(queue_name)}control:{worker}"


def deduplication(queue_name: str, key: str) -> str:
    """The id of the job that holds a deduplication key, or ``r:<id>`` while that job is being enqueued."""
    return f"{prefix(queue_name)}dedup:{key}"


def history(queue_name: str) -> str:
    """The list of a queue's totals over the last hour."""
    return prefix(queue_name) + "history"


def state_set(queue_name: str, state: str) -> str:
    """The sorted set of the jobs in one state."""
    return prefix(queue_name) + state


def workers_alive(queue_name: str) -> str:
    """The sorted set of workers; each one's score is when it counts as gone, epoch ms."""
    return prefix(queue_name) + "alive"


def descriptions(queue_name: str) -> str:
    """The hash of what each worker tells of itself, as JSON."""
    return prefix(queue_name) + "descriptions"


def orders(queue_name: str) -> str:
    """The hash of what operators want of workers: ``quiet`` or ``stop``."""
    return prefix(queue_name) + "orders"


def releases(queue_name: str) -> str:
    """The stream of jobs that have ended and whose dependents are still to be told."""
    return prefix(queue_name) + "releases"
