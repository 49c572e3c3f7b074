"""The six queues and the one table of their policies.

Everything that differs between queues stands here: names, job names, threads,
attempts, timeouts, retention, pace. Environment variables override it per
process (``Settings``), job options override both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

DEFAULT_ATTEMPTS = 3
DEFAULT_BACKOFF_MS = 2_000
DEFAULT_KEEP_COMPLETED = 100
DEFAULT_KEEP_FAILED = 500
DEFAULT_PRIORITY = 50

_MINUTE_MS = 60 * 1000
LONGEST_GROUP_KEY = 100
_DAY_MS = 24 * 60 * 60 * 1000


class Queue(StrEnum):
    """A queue: ``Queue.WHATSAPP.name`` is its key in the API, its value the name in Redis and in logs."""

    WHATSAPP = "whatsapp-messages"
    CREDIT_SCORE = "credit-score-calculation"
    ORDER_ROUTING = "order-routing"
    PAYMENT_REMINDERS = "payment-reminders"
    REPORT_GENERATION = "report-generation"
    ORDER_PROCESSING = "order-processing"


def is_group_key(text: str) -> bool:
    """Whether this is a key of a job's data or a dotted path into it."""
    return len(text) <= LONGEST_GROUP_KEY and _GROUP_KEY.fullmatch(text) is not None


_STEP = r"[A-Za-z_][A-Za-z0-9_]*"
_GROUP_KEY = re.compile(rf"{_STEP}(\.{_STEP})*", re.ASCII)


class BackoffType(StrEnum):
    """How the delay grows from attempt to attempt."""

    EXPONENTIAL = "exponential"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delay before the next attempt: ``delay_ms * 2^(attempt-1)`` or always ``delay_ms``.

    ``jitter`` (0 to 1) takes off up to that share of the delay at random, so that
    jobs that failed together don't come back together.
    """

    type: BackoffType = BackoffType.EXPONENTIAL
    delay_ms: int = DEFAULT_BACKOFF_MS
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """When the circuit breaker of a queue's provider opens, and how long it stays open.

    It opens when of at least ``calls`` calls within the window ``percent`` failed. A probe goes through after the
    cool-down, which doubles with each failed probe up to the longest one.
    """

    calls: int = 10
    percent: int = 50
    window_ms: int = 60_000
    cooldown_ms: int = 30_000
    longest_cooldown_ms: int = 600_000


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """What holds for every job of a queue unless the job says otherwise."""

    queue: Queue
    folder: str
    job_names: tuple[str, ...]
    concurrency: int
    timeout_ms: int
    attempts: int = DEFAULT_ATTEMPTS
    backoff: Backoff = field(default_factory=Backoff)
    keep_completed: int = DEFAULT_KEEP_COMPLETED
    keep_failed: int = DEFAULT_KEEP_FAILED
    keep_completed_ms: int = 7 * _DAY_MS
    keep_failed_ms: int = 30 * _DAY_MS
    target_wait_ms: int = 60_000
    """How long the oldest job may wait before the queue counts as late."""
    group_key: str | None = None
    """Key of the data, or a dotted path into it, that names a job's group; limits of groups are set per deployment."""
    breaker: Breaker | None = None
    """The circuit breaker of the provider that the queue's jobs call; None: no call is counted."""


POLICIES: dict[Queue, QueuePolicy] = {
    policy.queue: policy
    for policy in (
        QueuePolicy(
            Queue.WHATSAPP,
            folder="whatsapp",
            job_names=("message",),
            concurrency=5,
            timeout_ms=30_000,
            group_key="recipient",
            breaker=Breaker(),
        ),
        QueuePolicy(
            Queue.CREDIT_SCORE,
            folder="credit",
            job_names=("credit-score-calculation",),
            concurrency=2,
            timeout_ms=90_000,
            target_wait_ms=5 * _MINUTE_MS,
            group_key="retailerId",
        ),
        QueuePolicy(
            Queue.ORDER_ROUTING,
            folder="routing",
            job_names=("order-routing", "vendor-response", "offer-expiry", "operator-alert"),
            concurrency=3,
            timeout_ms=60_000,
            target_wait_ms=2 * _MINUTE_MS,
            group_key="orderData.retailerId",
        ),
        QueuePolicy(
            Queue.PAYMENT_REMINDERS,
            folder="reminders",
            job_names=("payment-reminder",),
            concurrency=3,
            timeout_ms=30_000,
            target_wait_ms=15 * _MINUTE_MS,
            group_key="retailerId",
        ),
        QueuePolicy(
            Queue.REPORT_GENERATION,
            folder="reports",
            job_names=("report", "report-email"),
            concurrency=1,
            timeout_ms=300_000,
            attempts=2,
            target_wait_ms=10 * _MINUTE_MS,
            group_key="userId",
        ),
        QueuePolicy(
            Queue.ORDER_PROCESSING,
            folder="orders",
            job_names=("order",),
            concurrency=5,
            timeout_ms=120_000,
            group_key="orderId",
        ),
    )
}

_QUEUES_BY_FOLDER = {policy.folder: policy.queue for policy in POLICIES.values()}


def queue_of(job_id: str) -> Queue | None:
    """The queue that a job id names (``whatsapp-0m5k…`` → WHATSAPP), or None if it names none."""
    return _QUEUES_BY_FOLDER.get(job_id.partition("-")[0])
