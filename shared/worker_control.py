"""The workers that live: what each is and runs, and the orders that operators give them.

A worker describes itself with each sign of life (every third of its lease, and at once when its state changes).
Orders stay in Redis until the worker is gone, so that none is lost with a connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
import redis

from shared.broker import job_log, keys
from shared.broker.connection import UNREACHABLE, Scripts
from shared.broker.states import State, WorkerState
from shared.errors import RedisUnavailable, WorkerNotFound, WrongState
from shared.queues import Queue

MOST_RUNNING = 10_000
"""Running jobs of one queue that are looked at: beyond that, a worker's list is cut."""


class Order(StrEnum):
    """What an operator may want of a worker."""

    QUIET = "quiet"
    RESUME = "resume"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job in the hands of a worker; times are epoch milliseconds."""

    id: str
    name: str
    attempt: int
    started_at_ms: int


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """One living worker. Times are epoch milliseconds, memory is resident bytes.

    ``order`` is what an operator wants of it; ``state`` is what it does, by its own last word.
    """

    id: str
    queue: Queue
    host: str
    pid: int
    version: str
    threads: int
    started_at_ms: int
    seen_at_ms: int
    memory_bytes: int
    state: WorkerState
    order: Order | None
    running: Sequence[RunningJob]


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a queue's living workers can run at once, at Redis' time ``now_ms``; quiet ones don't count as threads."""

    now_ms: int
    workers: int
    threads: int


class WorkerControl:
    """Reads and directs workers. Every method raises ``RedisUnavailable`` when Redis can't be reached."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client  # redis-py types its replies as bytes, text or awaitables at once
        self._scripts = Scripts(client)

    def workers(self, queue: Queue | None = None) -> list[WorkerInfo]:
        """Every worker that gave a sign of life within its lease, by queue, then by start."""
        try:
            return [worker for each in ([queue] if queue else Queue) for worker in self._of(each)]
        except UNREACHABLE as error:
            raise RedisUnavailable(f"Redis can't be reached: {type(error).__name__}") from error

    def capacities(self) -> dict[Queue, Capacity]:
        """How much each queue's workers can run at once, without a look at their jobs."""
        try:
            pipeline = self._client.pipeline(transaction=False)
            for queue in Queue:
                pipeline.time()
                pipeline.zrange(keys.workers_alive(queue.value), 0, -1, withscores=True)
                pipeline.hgetall(keys.descriptions(queue.value))
            replies = iter(pipeline.execute())
        except UNREACHABLE as error:
            raise RedisUnavailable(f"Redis can't be reached: {type(error).__name__}") from error
        return {queue: _capacity(*parts) for queue, *parts in zip(Queue, replies, replies, replies, strict=True)}

    def worker(self, worker_id: str) -> WorkerInfo:
        """One of them. Raises ``WorkerNotFound``."""
        found = next((worker for worker in self.workers() if worker.id == worker_id), None)
        if found is None:
            raise _unknown(worker_id)
        return found

    def direct(self, worker_id: str, order: Order, by: str, why: str = "") -> WorkerInfo:
        """Give a worker an order, which it obeys within milliseconds; returns it as it was before.

        Raises ``WorkerNotFound``, or ``WrongState`` for a worker that was told to stop.
        """
        worker = self.worker(worker_id)
        (outcome,) = self._scripts.run("direct", worker.queue.value, (worker_id, order.value, by, why))
        if outcome == b"missing":
            raise _unknown(worker_id)
        if outcome == b"stopping":
            raise WrongState(f"worker {worker_id} was told to stop: it takes no other order")
        job_log.worker_ordered(worker.queue.value, worker_id, order.value, by, why)
        return worker

    def _of(self, queue: Queue) -> list[WorkerInfo]:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.time()
        pipeline.zrange(keys.workers_alive(queue.value), 0, -1, withscores=True)
        pipeline.hgetall(keys.descriptions(queue.value))
        pipeline.hgetall(keys.orders(queue.value))
        pipeline.zrange(keys.state_set(queue.value, State.ACTIVE), 0, MOST_RUNNING - 1)
        (seconds, micros), alive, descriptions, orders, active = pipeline.execute()
        now_ms = seconds * 1000 + micros // 1000
        running = self._running(queue, active)
        found = [
            _worker(queue, name.decode(), int(gone_at), descriptions[name], orders.get(name), running)
            for name, gone_at in alive
            if gone_at > now_ms and name in descriptions
        ]
        return sorted(found, key=lambda worker: (worker.started_at_ms, worker.id))

    def _running(self, queue: Queue, ids: Sequence[bytes]) -> dict[str, list[RunningJob]]:
        """The running jobs by worker."""
        pipeline = self._client.pipeline(transaction=False)
        for job_id in ids:
            pipeline.hmget(keys.job(queue.value, job_id.decode()), "worker", "msg", "attempt", "started", "state")
        by_worker: dict[str, list[RunningJob]] = {}
        for job_id, stored in zip(ids, pipeline.execute() if ids else (), strict=True):
            worker, message, attempt, started, state = stored
            if worker is not None and state == b"active":
                job = RunningJob(job_id.decode(), _name_in(message), int(attempt or 0), int(started or 0))
                by_worker.setdefault(worker.decode(), []).append(job)
        return by_worker


def _worker(
    queue: Queue,
    worker_id: str,
    gone_at_ms: int,
    description: bytes,
    order: bytes | None,
    running: Mapping[str, Sequence[RunningJob]],
) -> WorkerInfo:
    told: dict[str, Any] = orjson.loads(description)
    return WorkerInfo(
        id=worker_id,
        queue=queue,
        host=str(told.get("host", "")),
        pid=int(told.get("pid", 0)),
        version=str(told.get("version", "")),
        threads=int(told.get("threads", 0)),
        started_at_ms=int(told.get("startedAt", 0)),
        seen_at_ms=gone_at_ms - int(told.get("leaseMs", 0)),
        memory_bytes=int(told.get("memory", 0)),
        state=WorkerState(told.get("state", WorkerState.RUNNING)),
        order=None if order is None else Order(order.decode()),
        running=sorted(running.get(worker_id, ()), key=lambda job: (job.started_at_ms, job.id)),
    )


def _capacity(time: tuple[int, int], alive: Sequence[tuple[bytes, float]], told: Mapping[bytes, bytes]) -> Capacity:
    now_ms = time[0] * 1000 + time[1] // 1000
    living = [orjson.loads(told[name]) for name, gone_at in alive if gone_at > now_ms and name in told]
    working = [each for each in living if each.get("state", WorkerState.RUNNING) == WorkerState.RUNNING]
    return Capacity(now_ms, len(living), sum(int(each.get("threads", 0)) for each in working))


def _name_in(message: bytes | None) -> str:
    """The job's name; empty for a message that can't be read, which its worker will say."""
    try:
        return str(orjson.loads((message or b"").partition(b"|")[2])["name"])
    except (ValueError, KeyError, TypeError):
        return ""


def _unknown(worker_id: str) -> WorkerNotFound:
    return WorkerNotFound(f"no living worker has the id {worker_id[:128]!r}; GET /api/v1/workers lists them")
