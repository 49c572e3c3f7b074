"""The engine behind Dramatiq's public ``Broker`` interface: Bull's semantics on Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson
import redis
from dramatiq.errors import QueueJoinTimeout, QueueNotFound
from dramatiq.message import Message
from dramatiq.middleware import Middleware
from dramatiq.results import Results

from shared.broker import job_log, keys
from shared.broker.clients import blocking_client
from shared.broker.config import EngineConfig
from shared.broker.connection import UNREACHABLE, Scripts
from shared.broker.consumer import JobConsumer
from shared.broker.describing import doko_version
from shared.broker.enqueue_call import EnqueueCall
from shared.broker.options import (
    ClientLimit,
    Enqueued,
    Idempotency,
    NewJob,
    new_job_id,
    qualified_job_id,
)
from shared.broker.packing import idempotency_arguments, message_of
from shared.broker.proxy import JobProxy
from shared.broker.results import JobResults
from shared.broker.signals import SignallingBroker
from shared.broker.states import WorkerState
from shared.broker.tally import Tally
from shared.broker.tokens import new_worker_id
from shared.middleware.current_job import CurrentJobMiddleware
from shared.middleware.deduplication import Deduplication, DuplicateJob
from shared.middleware.interrupts import Interrupts
from shared.middleware.lifecycle import Lifecycle
from shared.middleware.options import JOB_OPTIONS, JobOptionsMiddleware, options_of
from shared.queues import POLICIES, Queue

JOBS_A_CALL = 1_000
PROGRESS_RETRIES_S = 0.1


class EnqueuedMessage(Message[Any]):
    """The message that ``enqueue`` returns, with the engine's answer as ``enqueued``."""

    enqueued: Enqueued


class DokoBroker(SignallingBroker):
    """Keeps jobs on Redis with full state; see ARCHITECTURE.md for their way through it.

    ``middleware`` comes before the engine's own. ``connection`` gives each blocking user a client of its own.
    """

    def __init__(
        self, client: redis.Redis, config: EngineConfig | None = None, *, middleware: Sequence[Middleware] = ()
    ) -> None:
        self.config = config or EngineConfig()
        self.scripts = Scripts(client, self.config.confirmation)
        self._enqueue_call = EnqueueCall(self.scripts, self.config)
        self.interrupts = Interrupts()
        self.lifecycle = Lifecycle(self.interrupts, grace_ms=self.config.shutdown_grace_ms)
        self.worker_id = new_worker_id()
        self.worker_threads = 0
        self.version = doko_version()
        self.started_at_ms = int(time.time() * 1000)
        self.tally = Tally()
        self._stopping = threading.Event()
        self._quiet = threading.Event()
        self._consumers: list[JobConsumer] = []
        super().__init__(
            middleware=[
                JobOptionsMiddleware(),
                Deduplication(self.scripts, reservation_ms=self.config.reservation_ms),
                self.lifecycle,
                Results(backend=JobResults(), store_results=True),  # type: ignore[no-untyped-call]
                *middleware,
                CurrentJobMiddleware(),
                self.interrupts,
            ]
        )
        self.queues: dict[str, None] = {}

    # Producing -----------------------------------------------------------------------------------

    def add(
        self, job: NewJob, *, idempotency: Idempotency | None = None, client: ClientLimit | None = None
    ) -> Enqueued:
        """Enqueue one job in one atomic step and say which job now stands for it.

        Raises ``InvalidOption``, ``IdempotencyConflict``, ``ClientLimitExceeded``, ``QueueFull`` or
        ``RedisUnavailable``; after the last one, repeating the call with the same job id is safe.
        """
        return self.add_many([job], idempotency=idempotency, client=client)[0]

    def add_many(
        self, jobs: Sequence[NewJob], *, idempotency: Idempotency | None = None, client: ClientLimit | None = None
    ) -> list[Enqueued]:
        """Enqueue jobs, a round trip for 1,000 of the same queue; answers come in the jobs' order.

        An idempotency key covers the whole list: each job uses it with its place appended.
        """
        answers: list[Enqueued | None] = [None] * len(jobs)
        batches: dict[Queue, list[int]] = {}
        for index, job in enumerate(jobs):
            batches.setdefault(job.queue, []).append(index)
        for queue, indexes in batches.items():
            messages = [message_of(jobs[index]) for index in indexes]
            keys_of = [idempotency_arguments(idempotency, index) for index in indexes]
            for index, answer in zip(indexes, self._enqueue(queue, messages, keys_of, client), strict=True):
                answers[index] = answer
        return [answer for answer in answers if answer is not None]

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Dramatiq's way in: ``actor.send()`` ends here. Returns the message of the job that stands for it."""
        if message.queue_name not in self.queues:
            raise QueueNotFound(message.queue_name)  # type: ignore[no-untyped-call]
        actor = self.actors.get(message.actor_name)
        # Dramatiq keeps an actor's priority apart from its options; 0 is its word for none.
        of_actor = {**actor.options, "priority": actor.priority or None} if actor else {}
        options = options_of(message, of_actor, delay)
        queue_name = message.queue_name
        known_queue = queue_name in POLICIES
        job_id = options.job_id or (new_job_id(Queue(queue_name)) if known_queue else message.message_id)
        if options.job_id and known_queue:
            job_id = qualified_job_id(Queue(queue_name), job_id)
        message = message.copy(message_id=job_id, options={JOB_OPTIONS: options})
        (answer,) = self._enqueue(queue_name, [message], [("", "")], None)
        result = EnqueuedMessage(**{**message.asdict(), "message_id": answer.job_id})
        object.__setattr__(result, "enqueued", answer)
        return result

    def _enqueue(
        self,
        queue_name: str,
        messages: Sequence[Message[Any]],
        idempotency: Sequence[tuple[str, str]],
        client: ClientLimit | None,
    ) -> list[Enqueued]:
        answers: list[Enqueued | None] = [None] * len(messages)
        accepted: list[int] = []
        for index, message in enumerate(messages):
            delay = message.options[JOB_OPTIONS].delay_ms
            try:
                self.emit_before("enqueue", message, delay)
            except DuplicateJob as duplicate:
                # An idempotent repetition must get its first answer, so the script decides about those.
                if not idempotency[index][0]:
                    answers[index] = Enqueued(
                        duplicate.holder_id, _queue(queue_name), duplicate.state, deduplicated=True, created=False
                    )
                    continue
            accepted.append(index)
        for start in range(0, len(accepted), JOBS_A_CALL):
            chunk = accepted[start : start + JOBS_A_CALL]
            found = self._enqueue_call.run(
                _queue(queue_name), [messages[i] for i in chunk], [idempotency[i] for i in chunk], client
            )
            for index, answer in zip(chunk, found, strict=True):
                answers[index] = answer
                self.emit_after("enqueue", messages[index], messages[index].options[JOB_OPTIONS].delay_ms)
            job_log.enqueued(found)
        return [answer for answer in answers if answer is not None]

    # Consuming -----------------------------------------------------------------------------------

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1_000) -> JobConsumer:
        """A consumer that never holds more jobs than the worker has threads."""
        if queue_name not in self.queues:
            raise QueueNotFound(queue_name)  # type: ignore[no-untyped-call]
        consumer = JobConsumer(self, queue_name, room=self.worker_threads or prefetch, idle_ms=min(timeout, 1_000))
        self._consumers.append(consumer)
        return consumer

    @property
    def stopping(self) -> bool:
        """Whether this worker takes no jobs: quiet, at its end, or its master doesn't know of it yet."""
        return self._stopping.is_set() or self._quiet.is_set() or not self.lifecycle.booted

    @property
    def worker_state(self) -> WorkerState:
        """Whether this worker takes jobs, and whether it will again."""
        if self._stopping.is_set():
            return WorkerState.STOPPING
        return WorkerState.QUIET if self._quiet.is_set() else WorkerState.RUNNING

    def held_count(self) -> int:
        """How many jobs this worker holds."""
        return sum(len(consumer.held()) for consumer in self._consumers)

    def quiet_s(self) -> float:
        """Seconds since the slowest loop of a consumer came round; they do so every few seconds, even without Redis."""
        return max((consumer.timekeeper.quiet_s() for consumer in self._consumers), default=0.0)

    def stop_fetching(self) -> None:
        """Take no further job; running ones go on."""
        self._stopping.set()
        for consumer in self._consumers:
            consumer.timekeeper.renew_now()
        self.wake_consumers()

    def obey(self, order: str) -> None:
        """Do what an operator asked of this worker: ``quiet``, ``stop``, or '' to take jobs as usual."""
        if order == "stop":
            self.lifecycle.stop()
        elif bool(order) != self._quiet.is_set():
            job_log.worker_directed(order or "resume")
            if order:
                self._quiet.set()
            else:
                self._quiet.clear()
            self.wake_consumers()

    def wake_consumers(self) -> None:
        """Let consumers look again at what they may do."""
        for consumer in self._consumers:
            with suppress(*UNREACHABLE):  # its wait ends as well when Redis is away, and a shutdown must go on
                consumer.wake()

    def new_client(self, queue_name: str) -> redis.Redis:
        """A client with its own connection to a queue's server, for a caller that blocks on it."""
        return blocking_client(self.scripts.client, keys.meta(queue_name))

    def store_progress(self, proxy: JobProxy, value: Any) -> bool:
        """Store a running job's progress; False if its lease is lost. Raises ``RedisUnavailable``."""
        arguments = (proxy.message_id, proxy.token, orjson.dumps(value))
        return bool(self.scripts.run("progress", proxy.queue_name, arguments))

    def store_line(self, proxy: JobProxy, line: str) -> bool:
        """Add a line to a running job's history; False if its lease is lost. Raises ``RedisUnavailable``."""
        return bool(self.scripts.run("log", proxy.queue_name, (proxy.message_id, proxy.token, line)))

    # Dramatiq's bookkeeping ----------------------------------------------------------------------

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue; its keys appear with its first job."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def flush(self, queue_name: str) -> None:
        """Drop every key of a queue: for tests, it forgets running jobs too."""
        client = self.scripts.client
        for key in client.scan_iter(keys.prefix(queue_name) + "*", count=1_000):
            client.unlink(key)

    def flush_all(self) -> None:
        """Drop every key of all declared queues."""
        for queue_name in self.queues:
            self.flush(queue_name)

    def join(self, queue_name: str, *, timeout: int | None = None) -> None:
        """Wait until a queue has nothing waiting, delayed or active: for tests. Raises ``QueueJoinTimeout``."""
        deadline = None if timeout is None else time.monotonic() + timeout / 1000
        while True:
            stats = self.scripts.run("stats", queue_name)
            if stats[1] + stats[2] + stats[3] == 0:
                return
            if deadline is not None and time.monotonic() >= deadline:
                raise QueueJoinTimeout(queue_name)  # type: ignore[no-untyped-call]
            time.sleep(0.02)

    def close(self) -> None:
        """Close the connections."""
        self.scripts.client.close()


def _queue(queue_name: str) -> Any:
    # A queue outside the table, of the plain Dramatiq model, is known by its name only.
    return Queue(queue_name) if queue_name in POLICIES else queue_name
