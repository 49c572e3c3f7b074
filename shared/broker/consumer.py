"""One worker's hold on one queue: takes jobs for free threads only, reports what they finished.

Dramatiq's consumer thread calls ``__next__``; its worker threads call ``ack`` and ``nack``. All
reports and fetches go through one script call at a time (``advance.lua``), so that Redis and
this object always agree on what the worker holds.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import redis
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import DecodeError
from dramatiq.message import Message

from shared.broker import job_log, keys
from shared.broker.connection import Argument
from shared.broker.finish import Finish, finish_of
from shared.broker.outcome import Kind, Outcome, WorkerStopping
from shared.broker.proxy import JobProxy, read_job
from shared.broker.timekeeper import Timekeeper
from shared.broker.tokens import next_token
from shared.errors import RedisUnavailable

if TYPE_CHECKING:
    from shared.broker.broker import DokoBroker

MOST_FINISHES_A_CALL = 200
SHORTEST_BACKOFF_S, LONGEST_BACKOFF_S = 0.05, 2.0
_FIELDS_OF_A_JOB = 6
_STATUS_LOST, _STATUS_CANCELLED = ord("l"), ord("c")


class JobConsumer(Consumer):
    """Iterates over the jobs that this worker may run now; yields None when there is none."""

    def __init__(self, broker: DokoBroker, queue_name: str, *, room: int, idle_ms: int) -> None:
        self.queue_name = queue_name
        self.worker = broker.worker_id
        self._broker = broker
        self._scripts = broker.scripts
        self._policy = broker.config.policy(queue_name)
        self._threads = room
        self._idle_s = idle_ms / 1000
        self._marker = keys.marker(queue_name)
        self._blocking = broker.new_client()
        self._state = threading.Condition()
        self._advancing = threading.Lock()
        self._held: dict[str, JobProxy] = {}
        # Attempts that lost their lease but still keep a thread busy.
        self._orphans: set[tuple[str, str]] = set()
        self._finished: deque[Finish] = deque()
        self._ready: deque[JobProxy] = deque()
        self._blocked = False
        self._closed = False
        self._next_due_s = self._idle_s
        self._backoff_s = 0.0
        self._timekeeper = Timekeeper(broker, self)
        self._timekeeper.start()

    # Dramatiq's side ---------------------------------------------------------------------------

    def __next__(self) -> MessageProxy | None:
        deadline = time.monotonic() + self._idle_s
        while True:
            if self._ready:
                return self._ready.popleft()
            if not self._advance(fetch=not self._broker.stopping):
                self._back_off()
                return None
            if self._ready:
                return self._ready.popleft()
            if not self._rest(deadline - time.monotonic()):
                return None

    def ack(self, message: MessageProxy) -> None:
        """Report the attempt that the calling thread just ended, whatever its outcome."""
        self._finish(finish_of(cast("JobProxy", message), self.worker))

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give back jobs that were fetched but never started, no attempt used."""
        for message in messages:
            message.stuff_exception(WorkerStopping())
            self.ack(message)

    def close(self) -> None:
        """Report the rest, give back what still runs, and let go of the connections."""
        with self._state:
            self._closed = True
            running = list(self._held.values())
        for proxy in running:
            self._finish(Finish(proxy, Outcome(Kind.RELEASED, final=False), b"", proxy.duration_ms, None))
        deadline = time.monotonic() + LONGEST_BACKOFF_S
        while self._finished and time.monotonic() < deadline:
            if not self._advance(fetch=False):
                self._back_off()
        if self._finished:
            job_log.unreported(self.queue_name, [finish.proxy.message_id for finish in self._finished])
        self._timekeeper.stop()
        self._blocking.close()

    # What the timekeeper asks and tells --------------------------------------------------------

    def held(self) -> list[JobProxy]:
        """The jobs that this worker owns and has not reported yet."""
        with self._state:
            return [*self._held.values(), *(finish.proxy for finish in self._finished)]

    def lost(self, job_id: str, token: str) -> None:
        """The lease of a job is gone: whatever its attempt does must not count."""
        with self._state:
            proxy = self._held.get(job_id)
            if proxy is None or proxy.token != token:
                return
            del self._held[job_id]
            self._orphans.add((job_id, token))
            self._state.notify_all()
        job_log.lease_lost(proxy)
        self._broker.interrupts.lease_lost(job_id)

    def wake(self) -> None:
        """Something is due: leave the wait for Redis or for a thread."""
        with self._state:
            self._state.notify_all()
            blocked = self._blocked
        if blocked:
            self._scripts.client.rpush(self._marker, 1)

    # Reporting and fetching --------------------------------------------------------------------

    def _finish(self, finish: Finish) -> None:
        job_id = finish.proxy.message_id
        with self._state:
            owned = self._held.get(job_id)
            if owned is None or owned.token != finish.proxy.token:
                # The lease was lost: another worker may own the job, and this attempt doesn't count.
                self._orphans.discard((job_id, finish.proxy.token))
                self._state.notify_all()
                return
            del self._held[job_id]
            self._finished.append(finish)
            blocked = self._blocked
            self._state.notify_all()
        if blocked:
            self._advance(fetch=False)

    def _advance(self, *, fetch: bool) -> bool:
        """Report finishes and take jobs for free threads; False if Redis can't be reached."""
        with self._advancing:
            with self._state:
                batch = [self._finished[i] for i in range(min(len(self._finished), MOST_FINISHES_A_CALL))]
                held = len(self._held) + len(self._finished) - len(batch)
                alone = any(proxy.alone for proxy in self._held.values())
                busy = held + len(self._orphans)
            room = self._threads - busy if fetch and not alone else 0
            if not batch and room <= 0:
                return True
            try:
                reply = self._call(batch, max(room, 0), held)
            except RedisUnavailable as error:
                job_log.redis_away(self.queue_name, error, first=self._backoff_s == 0.0)
                return False
            except redis.exceptions.RedisError as error:
                job_log.script_failed(self.queue_name, error)
                self._backoff_s = LONGEST_BACKOFF_S
                return False
            if self._backoff_s:
                job_log.redis_back(self.queue_name)
                self._backoff_s = 0.0
            return self._take_in(batch, *reply)

    def _call(self, batch: list[Finish], room: int, held: int) -> tuple[str, list[Any]]:
        token = next_token()
        arguments: list[Argument] = [self.worker, token, self._broker.config.lease_ms, room, held, len(batch)]
        for finish in batch:
            arguments.extend(finish.arguments())
        return token, self._scripts.run("advance", self.queue_name, arguments)

    def _take_in(self, batch: list[Finish], token: str, reply: list[Any]) -> bool:
        now_ms, due_ms, recount, _, statuses, *jobs = reply
        taken = []
        for i in range(0, len(jobs), _FIELDS_OF_A_JOB):
            job_id, packed, attempt, stalls, released, _progress = jobs[i : i + _FIELDS_OF_A_JOB]
            taken.append(self._read(token, now_ms, (job_id, packed, attempt, stalls, released)))
        with self._state:
            for _ in batch:
                self._finished.popleft()
            for proxy in taken:
                self._held[proxy.message_id] = proxy
        self._next_due_s = due_ms / 1000 if due_ms >= 0 else self._idle_s
        if due_ms >= 0:
            self._timekeeper.expect(self._next_due_s)
        for finish, status in zip(batch, statuses, strict=True):
            if status == _STATUS_LOST:
                job_log.lease_lost(finish.proxy)
            else:
                job_log.finished(finish, self.worker, cancelled=status == _STATUS_CANCELLED)
        for proxy in taken:
            if proxy.exception is not None:
                self._finish(finish_of(proxy, self.worker))
            else:
                job_log.started(proxy)
                self._ready.append(proxy)
        return self._reconcile() if recount else True

    def _read(self, token: str, now_ms: int, fields: tuple[bytes, bytes, int, int, int]) -> JobProxy:
        try:
            return read_job(self.queue_name, self._policy, token, now_ms, fields)
        except DecodeError as error:
            return self._unreadable(token, now_ms, fields, error)

    def _unreadable(
        self, token: str, now_ms: int, fields: tuple[bytes, bytes, int, int, int], error: DecodeError
    ) -> JobProxy:
        job_id, _, attempt, stalls, released_ms = fields
        name = job_id.decode("utf-8", "replace")
        message: Message[Any] = Message(self.queue_name, "unreadable", (), {}, {}, name, 0)
        proxy = JobProxy(message, token)
        # One attempt is all it gets: reading it again can't help.
        proxy.attempt, proxy.attempts, proxy.stalls, proxy.released_ms = attempt, attempt, stalls, released_ms
        proxy.alone, proxy.created_at_ms, proxy.fetched_at_ms = False, now_ms, now_ms
        proxy.keep_completed, proxy.keep_failed = self._policy.keep_completed, self._policy.keep_failed
        proxy.backoff, proxy.timeout_ms = self._policy.backoff, self._policy.timeout_ms
        proxy.stuff_exception(error)
        return proxy

    def _reconcile(self) -> bool:
        with self._state:
            held = [*self._held.values(), *(finish.proxy for finish in self._finished)]
        arguments: list[Argument] = [self.worker, len(held)]
        for proxy in held:
            arguments += (proxy.message_id, proxy.token)
        try:
            back, lost = self._scripts.run("reconcile", self.queue_name, arguments)
        except RedisUnavailable:
            return True  # the next call finds the same mismatch
        tokens = {proxy.message_id: proxy.token for proxy in held}
        if back:
            job_log.reconciled(self.queue_name, [job_id.decode() for job_id in back])
        for job_id in lost:
            self.lost(job_id.decode(), tokens[job_id.decode()])
        return True

    # Waiting -----------------------------------------------------------------------------------

    def _rest(self, longest_s: float) -> bool:
        """Wait until there may be something to do; False when the time is over."""
        longest_s = min(longest_s, max(self._next_due_s, 0.001))
        with self._state:
            if self._finished:
                return True
            busy = len(self._held) + len(self._orphans) >= self._threads or any(
                proxy.alone for proxy in self._held.values()
            )
            if longest_s <= 0:
                return False
            if busy or self._broker.stopping:
                self._state.wait(longest_s)
                return bool(self._finished)
            self._blocked = True
        try:
            # The server's own timers are coarse: it only bounds the wait, the timekeeper keeps the time.
            return self._blocking.blpop([self._marker], timeout=max(longest_s, 0.05)) is not None
        except (redis.exceptions.RedisError, OSError):
            return True  # the next advance reports it and backs off
        finally:
            with self._state:
                self._blocked = False

    def _back_off(self) -> None:
        self._backoff_s = min(max(self._backoff_s * 2, SHORTEST_BACKOFF_S), LONGEST_BACKOFF_S)
        with self._state:
            if not self._closed:
                self._state.wait(self._backoff_s)
