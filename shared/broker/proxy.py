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
from shared.errors import RedisUnavailable

if TYPE_CHECKING:
    from shared.queues import Backoff, QueuePolicy

_running: ContextVar[CurrentJob | None] = ContextVar("doko_current_job", default=None)


MOST_LINES, LONGEST_LINE = 100, 1_000
"""How much of itself one attempt may tell: lines, and characters a line."""
NOT_CALLED, ANSWERED, UNANSWERED = ".", "+", "-"
"""What an attempt tells the circuit breaker of its last call to the provider, as ``advance.lua`` reads it."""


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

    def __init__(self, job_id: str, queue_name: str, actor_name: str, token: str) -> None:
        # Not MessageProxy's: what Dramatiq reads of a message stands here directly, and a message is
        # only made for somebody who asks for one.
        self.failed = False
        self._exception: BaseException | None = None
        self.message_id = job_id
        self.queue_name = queue_name
        self.actor_name = actor_name
        self.token = token
        self.args = ()
        self.kwargs = {}
        self.options = {}
        self.result: Any = None
        self.provider_call = NOT_CALLED
        self.flow: dict[str, Any] | None = None
        self.started = time.monotonic()

    @property
    def message_timestamp(self) -> int:  # type: ignore[override]  # Dramatiq's is an attribute of the message
        """When the job was created, epoch milliseconds: Dramatiq's name for it."""
        return self.created_at_ms

    @property
    def _message(self) -> Message[Any]:  # type: ignore[override]  # made on demand
        return Message(
            self.queue_name,
            self.actor_name,
            self.args,
            self.kwargs,
            self.options,
            self.message_id,
            self.created_at_ms,
        )

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
        return f"{self.actor_name}({self.message_id})"

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
        proxy = JobProxy(job_id.decode(), queue_name, stored["name"], token)
        proxy.kwargs = stored["data"]
        if "args" in stored:
            proxy.args = tuple(stored["args"])
        proxy.options["v"] = stored.get("v", 1)
        proxy.flow = stored.get("flow")
        proxy.attempt, proxy.stalls, proxy.released_ms = attempt, stalls, released_ms
        proxy.alone = stalls > 0
        proxy.created_at_ms, proxy.fetched_at_ms = int(created), now_ms
        take_policy(proxy, policy)
        if options := stored.get("options"):
            _take_options(proxy, options)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DecodeError(  # type: ignore[no-untyped-call]  # Dramatiq's errors carry no types
            f"the stored message of job {job_id!r} can't be read", packed, error
        ) from error
    return proxy


def read_or_fail(queue_name: str, policy: QueuePolicy, token: str, now_ms: int, fields: list[Any]) -> JobProxy:
    """The same from the script's ``(id, message, attempt, stalls, released ms, progress)``.

    A job that can't be read comes with its error and one attempt only: reading it again can't help.
    """
    job_id, packed, attempt, stalls, released_ms, _ = fields
    try:
        return read_job(queue_name, policy, token, now_ms, (job_id, packed, attempt, stalls, released_ms))
    except DecodeError as error:
        proxy = JobProxy(job_id.decode("utf-8", "replace"), queue_name, "unreadable", token)
        take_policy(proxy, policy)
        proxy.attempt, proxy.attempts, proxy.stalls, proxy.released_ms = attempt, attempt, stalls, released_ms
        proxy.alone, proxy.created_at_ms, proxy.fetched_at_ms = False, now_ms, now_ms
        proxy.stuff_exception(error)
        return proxy


def take_policy(proxy: JobProxy, policy: QueuePolicy) -> None:
    """What holds for a job that says nothing else."""
    proxy.attempts = policy.attempts
    proxy.timeout_ms = policy.timeout_ms
    proxy.keep_completed = policy.keep_completed
    proxy.keep_failed = policy.keep_failed
    proxy.backoff = policy.backoff


def _take_options(proxy: JobProxy, options: dict[str, Any]) -> None:
    get = options.get
    proxy.attempts = get("attempts", proxy.attempts)
    proxy.timeout_ms = get("timeout", proxy.timeout_ms)
    proxy.keep_completed = get("removeOnComplete", proxy.keep_completed)
    proxy.keep_failed = get("removeOnFail", proxy.keep_failed)
    if "backoff" in options:
        proxy.backoff = backoff_from_json(options["backoff"])


class CurrentJob:
    """The job that the calling thread runs."""

    def __init__(
        self,
        proxy: JobProxy,
        store_progress: Callable[[JobProxy, Any], bool],
        read_results: Callable[[JobProxy], dict[str, Any]] | None = None,
        store_line: Callable[[JobProxy, str], bool] | None = None,
    ) -> None:
        self._proxy = proxy
        self._store_progress = store_progress
        self._read_results = read_results
        self._store_line = store_line
        self._lines = 0

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

    @property
    def flow_id(self) -> str | None:
        """The flow that the job belongs to, if any."""
        return None if self._proxy.flow is None else str(self._proxy.flow["id"])

    def dependency_results(self) -> dict[str, Any]:
        """The results of the jobs of its flow that this one waited for, by their keys; {} if it waited for none.

        One that failed is missing: only a job that is released all the same runs then. Raises ``RedisUnavailable``.
        """
        return {} if self._read_results is None else self._read_results(self._proxy)

    def is_final(self, exception: BaseException) -> bool:
        """Whether the job would end for good if this attempt ended with ``exception``."""
        return decide(exception, self._proxy.as_attempt(), jitter=0).final

    def provider_answered(self) -> None:
        """The provider took the call, or refused it with reasons: for the circuit breaker it is there."""
        self._proxy.provider_call = ANSWERED

    def provider_failed(self) -> None:
        """The provider can't be reached or had an error of its own: the circuit breaker counts it."""
        self._proxy.provider_call = UNANSWERED

    def progress(self, value: float | dict[str, Any]) -> bool:
        """Store the job's progress; False means that the lease is lost and nobody listens any more."""
        return self._store_progress(self._proxy, value)

    def log(self, line: str) -> bool:
        """Tell people what the attempt does, in the job's history.

        False means that nobody will read it: the lease is lost, or Redis is away, which is no reason to fail. A line is
        cut after 1,000 characters. The 100th of an attempt is its last: the next ones change nothing.
        """
        self._lines += 1
        if self._store_line is None or self._lines > MOST_LINES:
            return True
        more = " (further lines of this attempt are left out)" if self._lines == MOST_LINES else ""
        try:
            return self._store_line(self._proxy, line[:LONGEST_LINE] + more)
        except RedisUnavailable:
            return False


def current_job() -> CurrentJob | None:
    """The job that the calling thread runs, or None outside a job."""
    return _running.get()


def set_current_job(job: CurrentJob | None) -> None:
    """Note the job that the calling thread runs; the middleware calls this."""
    _running.set(job)
