"""What becomes of an attempt: the retry policy as one pure function."""

from __future__ import annotations

import random
import traceback
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from dramatiq.errors import ActorNotFound
from dramatiq.threading import Interrupt

from shared.broker.config import PARKED_DELAY_MS, PARKED_FOR_AT_MOST_MS
from shared.broker.encoding import text_of
from shared.errors import PermanentError, Released, TransientError, UnsupportedVersion
from shared.privacy import mask_text
from shared.queues import Backoff, BackoffType

MAX_TRACEBACK_CHARACTERS = 4_000
MAX_MESSAGE_CHARACTERS = 1_000
MAX_BACKOFF_MS = 24 * 60 * 60 * 1000


class JobInterrupt(Interrupt):
    """Root of what the engine raises inside a running job."""


class JobTimedOut(JobInterrupt):
    """The attempt ran longer than its timeout: an error like any other, retried with backoff."""

    def __init__(self, message: str = "the attempt ran longer than its timeout") -> None:
        super().__init__(message)


class JobCancelled(JobInterrupt):
    """Somebody cancelled the job."""

    def __init__(self, message: str = "the job was cancelled") -> None:
        super().__init__(message)


class WorkerStopping(JobInterrupt):
    """The worker's grace period is over: the job goes back, no attempt used."""

    def __init__(self, message: str = "the worker is stopping") -> None:
        super().__init__(message)


class LeaseLost(JobInterrupt):
    """Another worker may own the job now: nothing that this attempt does counts any more."""

    def __init__(self, message: str = "the lease is lost") -> None:
        super().__init__(message)


class Kind(StrEnum):
    """What the finish script is told."""

    COMPLETED = "completed"
    FAILED = "failed"
    DELAYED = "delayed"
    RELEASED = "released"
    PARKED = "parked"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Attempt:
    """The attempt that ended: its number, how many there are, and how the job has waited so far."""

    number: int
    attempts: int
    backoff: Backoff
    age_ms: int
    released_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to report; ``delay_ms`` is set for jobs that go back."""

    kind: Kind
    delay_ms: int = 0
    final: bool = True


def decide(  # noqa: PLR0911 - one return a rule: it reads as the table that it is
    exception: BaseException | None, attempt: Attempt, *, jitter: float | None = None
) -> Outcome:
    """The outcome of an attempt that ended with ``exception`` (None: it returned)."""
    if exception is None:
        return Outcome(Kind.COMPLETED)
    if isinstance(exception, LeaseLost):
        return Outcome(Kind.LOST)
    if isinstance(exception, JobCancelled):
        return Outcome(Kind.CANCELLED)
    if isinstance(exception, WorkerStopping):
        return Outcome(Kind.RELEASED, final=False)
    if isinstance(exception, ActorNotFound | UnsupportedVersion):
        parked_too_long = attempt.age_ms >= PARKED_FOR_AT_MOST_MS
        return Outcome(Kind.FAILED) if parked_too_long else Outcome(Kind.PARKED, PARKED_DELAY_MS, final=False)
    if isinstance(exception, Released):
        if attempt.released_ms + exception.delay_ms > exception.max_total_ms:
            return Outcome(Kind.FAILED)
        return Outcome(Kind.RELEASED, max(exception.delay_ms, 1), final=False)
    if isinstance(exception, PermanentError) or attempt.number >= attempt.attempts:
        return Outcome(Kind.FAILED)
    if isinstance(exception, TransientError) and exception.retry_after_ms is not None:
        return Outcome(Kind.DELAYED, max(exception.retry_after_ms, 0), final=False)
    return Outcome(Kind.DELAYED, backoff_delay_ms(attempt.backoff, attempt.number, jitter), final=False)


def backoff_delay_ms(backoff: Backoff, attempt: int, jitter: float | None = None) -> int:
    """Delay after the given attempt (1-based): ``delay * 2^(attempt-1)`` or the fixed delay, at most a day.

    ``jitter`` is the random share (0 to 1) of ``backoff.jitter`` to take off; None draws one.
    """
    delay = backoff.delay_ms
    if backoff.type is BackoffType.EXPONENTIAL:
        delay = min(delay * 2 ** min(attempt - 1, 40), MAX_BACKOFF_MS)
    if backoff.jitter:
        share = random.random() if jitter is None else jitter  # noqa: S311 - spreads retries, no secret
        delay = round(delay * (1 - backoff.jitter * share))
    return delay


def describe_error(exception: BaseException, *, attempt: int, worker: str, duration_ms: int, at_ms: int) -> bytes:
    """One attempt's error as JSON, personal data masked: type, message, traceback, worker, duration, time."""
    trace = "".join(traceback.format_exception(exception))
    error: dict[str, Any] = {
        "type": type(exception).__name__,
        "message": mask_text(text_of(exception))[:MAX_MESSAGE_CHARACTERS],
        "traceback": mask_text(text_of(trace[-MAX_TRACEBACK_CHARACTERS:])),
        "attempt": attempt,
        "worker": worker,
        "durationMs": duration_ms,
        "at": at_ms,
    }
    return orjson.dumps(error)
