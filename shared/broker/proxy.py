"""A job in the hands of a worker, and what a running actor may know of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import orjson
from dramatiq.broker import MessageProxy
from dramatiq.errors import DecodeError
from dramatiq.message import Message

from shared.broker.options import backoff_from_json
from shared.broker.outcome import Attempt, decide

if TYPE_CHECKING:
    from shared.queues import Backoff, QueuePolicy

_running: ContextVar[CurrentJob | None] = ContextVar("doko_current_job", default=None)


class JobProxy(MessageProxy):
    """A fetched job: Dramatiq's message with the lease that entitles this worker to finish it.

    ``result`` is put here by the result backend; printing shows id and actor only, since
    Dramatiq logs its messages and a job's data is personal.
    """

    alone: bool
    attempt: int
    attempts: int
    backoff: Backoff
    created_at_ms: int
    fetched_at_ms: int
    keep_completed: int
    keep_failed: int
    released_ms: int
    stalls: int
    timeout_ms: int

    def __init__(self, message: Message[Any], token: str) -> None:
        super().__init__(message)
        self.token = token
        self.result: Any = None
        self.started = time.monotonic()

    @property
    def exception(self) -> BaseException | None:
        """What the attempt ended with; None if it returned."""
        return self._exception

    @property
    def duration_ms(self) -> int:
        """How long this attempt has run, in milliseconds."""
        return round((time.monotonic() - self.started) * 1000)

    def as_attempt(self) -> Attempt:
        """What the retry policy looks at."""
        return Attempt(
            self.attempt, self.attempts, self.backoff, self.fetched_at_ms - self.created_at_ms, self.released_ms
        )

    def __str__(self) -> str:
        return f"{self._message.actor_name}({self._message.message_id})"

    def __repr__(self) -> str:
        return f"<JobProxy {self}>"


def read_job(
    queue_name: str, policy: QueuePolicy, token: str, now_ms: int, fields: tuple[bytes, bytes, int, int, int]
) -> JobProxy:
    """Make the proxy of a fetched job from ``(id, packed message, attempt, stalls, released ms)``.

    Raises ``DecodeError`` if the stored message can't be read.
    """
    job_id, packed, attempt, stalls, released_ms = fields
    try:
        created, _, body = packed.partition(b"|")
        stored = orjson.loads(body)
        options = stored.get("options") or {}
        message: Message[Any] = Message(
            queue_name=queue_name,
            actor_name=stored["name"],
            args=tuple(stored.get("args", ())),
            kwargs=stored["data"],
            options={"v": stored.get("v", 1)},
            message_id=job_id.decode(),
            message_timestamp=int(created),
        )
        proxy = JobProxy(message, token)
        proxy.attempt, proxy.stalls, proxy.released_ms = attempt, stalls, released_ms
        proxy.alone = stalls > 0
        proxy.created_at_ms, proxy.fetched_at_ms = message.message_timestamp, now_ms
        get = options.get
        proxy.attempts = get("attempts", policy.attempts)
        proxy.timeout_ms = get("timeout", policy.timeout_ms)
        proxy.keep_completed = get("removeOnComplete", policy.keep_completed)
        proxy.keep_failed = get("removeOnFail", policy.keep_failed)
        proxy.backoff = backoff_from_json(options["backoff"]) if "backoff" in options else policy.backoff
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DecodeError(  # type: ignore[no-untyped-call]  # Dramatiq's errors carry no types
            f"the stored message of job {job_id!r} can't be read", packed, error
        ) from error
    return proxy


class CurrentJob:
    """The job that the calling thread runs."""

    def __init__(self, proxy: JobProxy, store_progress: Callable[[JobProxy, Any], bool]) -> None:
        self._proxy = proxy
        self._store_progress = store_progress

    @property
    def id(self) -> str:
        """The job's id."""
        return str(self._proxy.message_id)

    @property
    def queue(self) -> str:
        """The queue's name."""
        return str(self._proxy.queue_name)

    @property
    def name(self) -> str:
        """The job's name, which is its actor's."""
        return str(self._proxy.actor_name)

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._proxy.attempt

    @property
    def attempts(self) -> int:
        """How many attempts the job has."""
        return self._proxy.attempts

    @property
    def stalls(self) -> int:
        """How often the job's worker vanished while it ran."""
        return self._proxy.stalls

    @property
    def enqueued_at_ms(self) -> int:
        """When the job was created: epoch milliseconds, Redis time."""
        return self._proxy.created_at_ms

    @property
    def released_ms(self) -> int:
        """How long the job has been put back without using an attempt, in all."""
        return self._proxy.released_ms

    @property
    def duration_ms(self) -> int:
        """How long this attempt has run."""
        return self._proxy.duration_ms

    @property
    def version(self) -> int:
        """The schema version of the job's data."""
        return int(self._proxy.options.get("v", 1))

    def is_final(self, exception: BaseException) -> bool:
        """Whether the job would end for good if this attempt ended with ``exception``."""
        return decide(exception, self._proxy.as_attempt(), jitter=0).final

    def progress(self, value: float | dict[str, Any]) -> bool:
        """Store the job's progress; False means that the lease is lost and nobody listens any more."""
        return self._store_progress(self._proxy, value)


def current_job() -> CurrentJob | None:
    """The job that the calling thread runs, or None outside a job."""
    return _running.get()


def set_current_job(job: CurrentJob | None) -> None:
    """Note the job that the calling thread runs; the middleware calls this."""
    _running.set(job)
