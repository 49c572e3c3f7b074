"""The errors of Doko; an error's base class is its retry policy.

An actor that raises ``PermanentError`` fails its job at once, ``Refused`` is a
permanent business answer that is nobody's fault, ``Released`` puts the job back
without using an attempt, and anything else is retried with backoff
(``TransientError`` may choose the delay).
"""

from __future__ import annotations


class DokoError(Exception):
    """Root of every error that Doko raises on purpose."""


class PermanentError(DokoError):
    """Trying again can't help: the job fails at once."""


class Refused(PermanentError):
    """A business rule says no (over the limit, illegal transition): failed, but no alert and no Sentry event."""


class TransientError(DokoError):
    """Trying again may help; ``retry_after_ms`` overrides the backoff."""

    def __init__(self, message: str = "", *, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class Released(DokoError):
    """The job can't run now and goes back, delayed by ``delay_ms``, with no attempt used.

    ``max_total_ms`` bounds the sum of a job's releases: past it the job fails.
    """

    def __init__(self, message: str = "", *, delay_ms: int, max_total_ms: int = 3_600_000) -> None:
        super().__init__(message)
        self.delay_ms = delay_ms
        self.max_total_ms = max_total_ms


class QueueError(DokoError):
    """Root of what the engine answers to producers and operators."""


class JobNotFound(QueueError):
    """No job has that id, neither in Redis nor in the archive."""


class WrongState(QueueError):
    """The operation needs the job in another state (HTTP 409)."""


class DeduplicationKeyTaken(QueueError):
    """A retried job's deduplication key is held by another unfinished job (HTTP 409)."""

    def __init__(self, message: str, *, holder_id: str) -> None:
        super().__init__(message)
        self.holder_id = holder_id


class IdempotencyConflict(QueueError):
    """The same Idempotency-Key came with another body (HTTP 422)."""


class ClientLimitExceeded(QueueError):
    """The API client used up its requests for now (HTTP 429); ``retry_after_ms`` says when it may come back."""

    def __init__(self, message: str, *, retry_after_ms: int) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class QueueFull(QueueError):
    """Redis is at its memory limit or holds too many unarchived events: nothing was enqueued (HTTP 503)."""


class RedisUnavailable(QueueError):
    """Redis can't be reached: nothing is known to have been enqueued (HTTP 503)."""


class WorkerNotFound(QueueError):
    """No living worker has that id (HTTP 404)."""


class NotReplicated(RedisUnavailable):
    """Redis did it, but too few replicas confirmed that they have it: it may be lost with the master (HTTP 503)."""


class FlowNotFound(QueueError):
    """No flow has that id (HTTP 404)."""


class ScheduleNotFound(QueueError):
    """No schedule has that id (HTTP 404)."""


class ScheduleConflict(QueueError):
    """A schedule's id is taken, or a run of it is under way (HTTP 409)."""


class InvalidOption(QueueError):
    """A job option is unknown or out of its range (HTTP 422); ``field`` names it."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class ConfigurationError(DokoError):
    """A setting is unknown or wrong; the message names the setting, the rule and the nearest valid value."""


class UnsupportedVersion(DokoError):
    """The message has a newer schema version than this worker knows: it is parked, not failed."""
