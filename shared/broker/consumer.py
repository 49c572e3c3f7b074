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
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import redis
from dramatiq.broker import Consumer, MessageProxy

from shared.broker import job_log, keys
from shared.broker.connection import Argument, ScriptLine
from shared.broker.finish import Call, Finish, finish_of, report_of
from shared.broker.outage import LONGEST_WAIT_S, Outage
from shared.broker.outcome import Kind, Outcome, WorkerStopping
from shared.broker.proxy import JobProxy, read_or_fail
from shared.broker.reconciling import reconcile
from shared.broker.timekeeper import Timekeeper
from shared.broker.tokens import next_token
from shared.broker.turn import Turn
from shared.errors import RedisUnavailable

if TYPE_CHECKING:
    from shared.broker.broker import DokoBroker

MOST_FINISHES_A_CALL = 200
_FIELDS_OF_A_REPLY, _RECOUNT = 5, 2
_FIELDS_OF_A_JOB, _STALLS = 6, 3


class JobConsumer(Consumer):
    """Iterates over the jobs that this worker may run now; yields None when there is none."""

    def __init__(self, broker: DokoBroker, queue_name: str, *, room: int, idle_ms: int) -> None:
        self.queue_name = queue_name
        self.worker = broker.worker_id
        self._broker = broker
        self._scripts = broker.scripts
        self._policy = broker.config.policy(queue_name)
        self._lease_ms = broker.config.lease_ms
        self._threads = room
        self._idle_s = idle_ms / 1000
        self._marker = keys.marker(queue_name)
        self._blocking = broker.new_client(queue_name)
        self._state = threading.Condition()
        self._meta = keys.meta(queue_name)
        self._line = ScriptLine(broker.scripts.client, self._meta)
        self._held: dict[str, JobProxy] = {}
        self._alone: set[str] = set()
        # Attempts that lost their lease but still keep a thread busy.
        self._orphans: set[tuple[str, str]] = set()
        self._finished: deque[Finish] = deque()
        self._ready: deque[JobProxy] = deque()
        self._blocked = self._resting = False  # waiting for work in Redis; here, for a thread
        self._arriving = 0  # jobs of a reply that is being read
        self._turn = Turn(self._state)
        self._closed = False
        self.came_round_s = time.monotonic()
        self._next_due_s = self._idle_s
        self._outage = Outage(queue_name)
        self.timekeeper = Timekeeper(broker, self)
        self.timekeeper.start()

    # Dramatiq's side ---------------------------------------------------------------------------

    def __next__(self) -> MessageProxy | None:
        self.came_round_s = time.monotonic()
        deadline = self.came_round_s + self._idle_s
        while not self._ready:
            if not self._advance(fetch=True):
                self._back_off()
                return None
            if not self._ready and not self._rest(deadline - time.monotonic()):
                return None
        return self._ready.popleft()

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
        deadline = time.monotonic() + LONGEST_WAIT_S
        while True:
            with self._state:
                running = list(self._held.values())
            for proxy in running:
                self._finish(Finish(proxy, Outcome(Kind.RELEASED, final=False), b"", proxy.duration_ms, None))
            if not (self._finished or self._turn.in_flight) or time.monotonic() >= deadline:
                break
            if not self._advance(fetch=False):
                self._back_off()
        if self._finished:
            job_log.unreported(self.queue_name, [finish.proxy.message_id for finish in self._finished])
        self.timekeeper.stop()
        self._blocking.close()
        self._line.drop()

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
            self._alone.discard(job_id)
            self._orphans.add((job_id, token))
            self._state.notify_all()
        job_log.lease_lost(proxy)
        self._broker.interrupts.lease_lost(job_id, token)

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
            self._alone.discard(job_id)
            self._finished.append(finish)
            blocked = self._blocked
            early = self._may_send_early()
            self._state.notify_all()
        if blocked:
            self._advance(fetch=False)
        elif early:
            self._send_early()

    def _may_send_early(self) -> bool:
        # Half of the threads are free: ask for more work now, so that Redis works while the other half runs.
        half_is_free = self._resting and bool(self._held) and len(self._finished) * 2 >= self._threads
        return half_is_free and self._turn.try_to_take()

    def _send_early(self) -> None:
        call = None
        try:
            call = self._begin(fetch=True)
        finally:
            self._turn.pass_on(call)

    def _advance(self, *, fetch: bool) -> bool:
        """Report finishes and take jobs for free threads; False if Redis can't be reached."""
        call, following = self._turn.take(), None
        try:
            call = call or self._begin(fetch=fetch)
            reply = None if call is None else self._receive(call)
            if call is None or reply is None:
                return call is None
            # Only the consumer thread begins a step that it leaves in flight: it is the one that comes back.
            following = self._settle(call, reply, follow=fetch)
            self._take_in(call, reply)
            return True
        finally:
            self._turn.pass_on(following)

    def _begin(self, *, fetch: bool) -> Call | None:
        with self._state:
            batch = list(islice(self._finished, MOST_FINISHES_A_CALL))
            held = len(self._held) + self._arriving + len(self._finished) - len(batch)
            may_fetch = fetch and not self._alone and not self._broker.stopping
            room = self._threads - held - len(self._orphans) if may_fetch else 0
        if not batch and room <= 0:
            return None
        call = Call(batch, next_token())
        arguments: list[Argument] = [self.worker, call.token, self._lease_ms, max(room, 0), held]
        arguments += report_of(batch, self._policy.breaker)
        try:
            self._line.send("advance", self._meta, arguments)
        except RedisUnavailable as error:
            call.error = error
        return call

    def _receive(self, call: Call) -> list[Any] | None:
        try:
            if call.error is not None:
                raise call.error
            reply: list[Any] = self._line.receive()
        except (RedisUnavailable, redis.exceptions.RedisError) as error:
            self._outage.failed(error)
            return None
        self._outage.over()
        return reply

    def _settle(self, call: Call, reply: list[Any], *, follow: bool) -> Call | None:
        """Note what the reply changes; what finished meanwhile is reported at once, while the reply is read."""
        with self._state:
            for _ in call.batch:
                self._finished.popleft()
            self._arriving = (len(reply) - _FIELDS_OF_A_REPLY) // _FIELDS_OF_A_JOB
            more = bool(self._finished)
        # A mismatch must be settled while nothing is under way, and a job that runs alone must be known first.
        alone = any(reply[i] for i in range(_FIELDS_OF_A_REPLY + _STALLS, len(reply), _FIELDS_OF_A_JOB))
        return self._begin(fetch=not alone) if follow and more and not reply[_RECOUNT] else None

    def _take_in(self, call: Call, reply: list[Any]) -> None:
        now_ms, due_ms, recount, news, statuses = reply[:_FIELDS_OF_A_REPLY]
        taken = [
            read_or_fail(self.queue_name, self._policy, call.token, now_ms, reply[i : i + _FIELDS_OF_A_JOB])
            for i in range(_FIELDS_OF_A_REPLY, len(reply), _FIELDS_OF_A_JOB)
        ]
        with self._state:
            self._arriving = 0
            for proxy in taken:
                self._held[proxy.message_id] = proxy
                if proxy.alone:
                    self._alone.add(proxy.message_id)
        self._next_due_s = due_ms / 1000 if due_ms >= 0 else self._idle_s
        if due_ms >= 0:
            self.timekeeper.expect(self._next_due_s)
        job_log.finished(call.batch, statuses, self.worker, self._broker.tally)
        job_log.breaker_moved(self.queue_name, news)
        self.timekeeper.note_ended(call.batch)
        for proxy in taken:
            if proxy.exception is not None:
                self._finish(finish_of(proxy, self.worker))
            else:
                self._ready.append(proxy)
        job_log.started(taken)
        if recount:
            self._reconcile()

    def _reconcile(self) -> None:
        try:
            back, lost = reconcile(self._scripts, self.queue_name, self.worker, self.held())
        except RedisUnavailable:
            return  # the next call finds the same mismatch
        if back:
            job_log.reconciled(self.queue_name, back)
        for proxy in lost:
            self.lost(proxy.message_id, proxy.token)

    # Waiting -----------------------------------------------------------------------------------

    def _rest(self, longest_s: float) -> bool:
        """Wait until there may be something to do; False when the time is over."""
        with self._state:
            if self._finished:
                return True
            busy = bool(self._alone) or len(self._held) + len(self._orphans) >= self._threads
            if longest_s <= 0:
                return False
            if busy or self._broker.stopping:
                self._resting = True
                self._state.wait(longest_s)
                self._resting = False
                return bool(self._finished)
            longest_s = min(longest_s, max(self._next_due_s, 0.001))
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
        with self._state:
            if not self._closed:
                self._state.wait(self._outage.next_wait_s())
