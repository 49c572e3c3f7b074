"""What tests of the engine stand on: a producer, a raw worker that speaks to the scripts, and the event stream.

The raw worker drives ``advance``, ``renew`` and ``sweep`` itself, so that a test can stop between any
two transitions. ``shift_scores`` stands in for time passing: Redis' own clock can't be moved.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import redis

from shared.broker import DokoBroker, EngineConfig, Enqueued, JobOptions, NewJob, keys
from shared.broker.connection import Argument, Scripts, connect
from shared.broker.finish import settings_of
from shared.broker.sweeping import StalledJob, sweep
from shared.broker.tokens import next_token
from shared.job_store import JobStore
from shared.queues import Breaker, Queue
from shared.settings_redis import RedisSettings

QUEUE = Queue.ORDER_PROCESSING
PATIENCE_S = 15.0
SHORT = EngineConfig(lease_ms=2_000, sweep_interval_ms=200, shutdown_grace_ms=300)


@dataclass
class Taken:
    """A job in the hands of a raw worker."""

    id: str
    token: str
    attempt: int
    stalls: int
    released_ms: int
    message: bytes


@dataclass
class RawWorker:
    """A worker without threads: each call is one script."""

    scripts: Scripts
    queue: str
    id: str
    lease_ms: int = 30_000
    held: dict[str, Taken] = field(default_factory=dict)
    wait_ms: int = -1
    breaker: Breaker | None = None
    news: str = ""

    def advance(
        self,
        room: int,
        finishes: Sequence[tuple[Any, ...]] = (),
        token: str | None = None,
        held: int | None = None,
        calls: str = "",
    ) -> tuple[str, list[Taken]]:
        """One call of ``advance``: the finishes' statuses and the jobs taken; ``calls`` are told to the breaker."""
        token = token or next_token()
        count = len(self.held) if held is None else held
        flat = [part for finish in finishes for part in finish]
        if self.breaker is not None and calls:
            flat += (settings_of(self.breaker), calls)
        reply = self.scripts.run(
            "advance", self.queue, [self.id, token, self.lease_ms, room, count, len(finishes), *flat]
        )
        self.wait_ms, self.news = reply[1], reply[3].decode()
        jobs = reply[5:]
        taken = [
            Taken(jobs[i].decode(), token, jobs[i + 2], jobs[i + 3], jobs[i + 4], jobs[i + 1])
            for i in range(0, len(jobs), 6)
        ]
        self.held.update({job.id: job for job in taken})
        return reply[4].decode(), taken

    def fetch(self, room: int = 1) -> list[Taken]:
        """Take up to ``room`` jobs."""
        return self.advance(room)[1]

    def take(self) -> Taken:
        """Take exactly one job."""
        (job,) = self.fetch()
        return job

    def finish(
        self,
        job: Taken,
        outcome: str = "completed",
        payload: object = None,
        delay_ms: int = 0,
        *,
        keep: int = 100,
        token: str | None = None,
        called: str = "",
    ) -> str:
        """Report one job's end; the status letter of the script."""
        self.held.pop(job.id, None)
        body = b"" if payload is None else orjson.dumps(payload)
        return self.advance(0, [(job.id, token or job.token, outcome, body, delay_ms, 7, keep)], calls=called)[0]

    def renew(self, *jobs: Taken, lease_ms: int | None = None) -> str:
        """Extend the leases; one letter a job."""
        pairs = [part for job in jobs for part in (job.id, job.token)]
        arguments: list[Argument] = [self.id, lease_ms or self.lease_ms, "{}", 60_000, len(jobs), *pairs]
        return str(self.scripts.run("renew", self.queue, arguments)[0].decode())

    def progress(self, job: Taken, value: object, token: str | None = None) -> bool:
        """Store progress; False if the lease is lost."""
        return bool(self.scripts.run("progress", self.queue, (job.id, token or job.token, orjson.dumps(value))))

    def reconcile(self) -> tuple[list[str], list[str]]:
        """Settle what this worker holds: ids that went back, ids held in vain."""
        pairs = [part for job in self.held.values() for part in (job.id, job.token)]
        back, lost = self.scripts.run("reconcile", self.queue, [self.id, len(self.held), *pairs])
        return [one.decode() for one in back], [one.decode() for one in lost]


@dataclass(frozen=True)
class StreamEvent:
    """One entry of the event stream, its fields as text."""

    event: str
    job: str
    fields: dict[str, str]
    at_ms: int


class Engine:
    """A producer, an operator and a reader of one queue."""

    def __init__(
        self, url: str, config: EngineConfig = SHORT, queue: Queue = QUEUE, access: RedisSettings | None = None
    ) -> None:
        self.url = url
        self.access = access
        self.config = config
        self.queue = queue
        self.client: Any = self.connect()  # redis-py types its replies for text and bytes, sync and async, at once
        self.broker = DokoBroker(self.client, config)
        self.scripts = self.broker.scripts
        self.store = JobStore(self.client, config=config)
        self.prefix = keys.prefix(queue)
        self._workers = 0

    def connect(self, url: str = "") -> redis.Redis:
        """Another client of the same Redis, or of what stands before it."""
        return connect(url or self.url, settings=self.access)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def job(self, name: str = "order", data: dict[str, Any] | None = None, version: int = 1, **options: Any) -> NewJob:
        """A job of the queue; keyword arguments are its options."""
        return NewJob(self.queue, name, data or {"orderId": "o-1"}, version, JobOptions(**options))

    def add(self, name: str = "order", data: dict[str, Any] | None = None, **options: Any) -> Enqueued:
        """Enqueue one job."""
        return self.broker.add(self.job(name, data, **options))

    def add_ids(self, count: int, **options: Any) -> list[str]:
        """Enqueue ``count`` equal jobs in one call."""
        return [one.job_id for one in self.broker.add_many([self.job(**options) for _ in range(count)])]

    def raw_worker(self, lease_ms: int = 30_000) -> RawWorker:
        """A raw worker with an id of its own."""
        self._workers += 1
        return RawWorker(self.scripts, self.queue, f"raw-{self._workers}", lease_ms)

    def state(self, job_id: str) -> str:
        """The state that the job's record tells, or '' without a record."""
        return (self.client.hget(keys.job(self.queue, job_id), "state") or b"").decode()

    def record(self, job_id: str) -> dict[str, str]:
        """The job's hash as text."""
        stored = self.client.hgetall(keys.job(self.queue, job_id))
        return {name.decode(): value.decode(errors="replace") for name, value in stored.items()}

    def sweep(self) -> list[StalledJob]:
        """Sweep the queue as any worker does."""
        return sweep(self.scripts, self.queue, self.config)

    def expire_leases(self) -> None:
        """Let the leases of all active jobs run out now."""
        self.shift_scores("active", -10_000_000)

    def make_due(self) -> None:
        """Let every delayed job be due now."""
        self.shift_scores("delayed", -10_000_000_000)

    def shift_scores(self, name: str, by_ms: int) -> None:
        """Move a zset of times: what a test does instead of waiting."""
        for member in self.client.zrange(self.prefix + name, 0, -1):
            self.client.zincrby(self.prefix + name, by_ms, member)

    def size(self, name: str) -> int:
        """How many members a set of the queue has."""
        return int(self.client.zcard(self.prefix + name))

    def stream(self) -> list[StreamEvent]:
        """The whole event stream."""
        return [_event(entry) for entry in self.client.xrange(self.prefix + "events")]

    def events(self, job_id: str = "") -> list[str]:
        """The names of a job's events, or of the queue's own."""
        return [one.event for one in self.stream() if one.job == job_id]

    def follow(self, patience_s: float = PATIENCE_S) -> Iterator[StreamEvent]:
        """Yield events from the beginning as they come; fails after ``patience_s`` without the test being content."""
        last, deadline = "0", time.monotonic() + patience_s
        client: Any = self.connect()
        with client:
            while time.monotonic() < deadline:
                for _, entries in client.xread({self.prefix + "events": last}, block=200) or ():
                    for entry in entries:
                        last = entry[0].decode()
                        yield _event(entry)
        raise AssertionError(
            f"the event did not come within {patience_s} s: {[(e.event, e.job) for e in self.stream()][-20:]}"
        )

    def await_event(self, event: str, job_id: str = "", count: int = 1, patience_s: float = PATIENCE_S) -> StreamEvent:
        """Wait for the ``count``-th event of that name (of that job)."""
        seen = 0
        for one in self.follow(patience_s):
            if one.event == event and job_id in {"", one.job}:
                seen += 1
                if seen == count:
                    return one
        raise AssertionError(event)

    def now_ms(self) -> int:
        """Redis time."""
        seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000


def _event(entry: tuple[bytes, dict[bytes, bytes]]) -> StreamEvent:
    at, stored = entry
    fields = {name.decode(): value.decode(errors="replace") for name, value in stored.items()}
    return StreamEvent(fields.pop("event"), fields.pop("job"), fields, int(at.partition(b"-")[0]))


def error(message: str = "boom") -> dict[str, Any]:
    """The JSON of one attempt's error as a worker reports it."""
    return {"type": "ValueError", "message": message}
