"""Random operations by several workers; after each one, everything in Redis must agree and match the model.

Time doesn't pass by waiting: leases and due times are shifted in Redis (``expire_leases``, ``make_due``), and
groups wait on their cap only, so that no outcome depends on how quickly the test runs.
``SOAK=1`` runs many more and longer examples.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from deploy.local.redis_server import RedisServer
from shared.broker import DeduplicationMode, NewJob, keys
from shared.broker.releasing import release_dependents
from shared.errors import DeduplicationKeyTaken, WrongState
from shared.flows import OnFailure
from shared.job_removal import JobRemoval, Shelf
from shared.queues import Queue
from tests.kit.agreement import assert_agreement
from tests.kit.engine import Engine, RawWorker, Taken, error
from tests.kit.flow_model import FlowModel
from tests.kit.flows import jobs_of, step

SOAK = os.environ.get("SOAK") == "1"
EXAMPLES, STEPS = (2_000, 80) if SOAK else (60, 40)
QUEUE = Queue.WHATSAPP  # the queue whose jobs have groups: their recipients
KEPT = 10_000
UNFINISHED = {"waiting", "delayed", "blocked", "active"}


class EngineMachine(RuleBasedStateMachine):
    """The model: the state each job must be in, who holds it, and how many attempts it used."""

    make_engine: Callable[[], Engine]

    def __init__(self) -> None:
        super().__init__()
        self.engine = type(self).make_engine()
        self.workers = [self.engine.raw_worker() for _ in range(3)]
        self.states: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.stalls: dict[str, int] = {}
        self.cancelling: set[str] = set()
        self.running: dict[str, tuple[RawWorker, Taken]] = {}
        self.stale: list[tuple[RawWorker, Taken]] = []
        self.removal = JobRemoval(self.engine.client)
        self.removed: dict[str, tuple[dict[str, str], Shelf, str]] = {}
        self.paused = False
        self.made = 0
        self.flows = FlowModel(self.states)

    def teardown(self) -> None:
        self.engine.close()

    @rule(
        count=st.integers(1, 3),
        group=st.sampled_from(["a", "b", "c", ""]),
        priority=st.sampled_from([None, 1, 50, 100]),
        delay_ms=st.sampled_from([0, 0, 0, 3_600_000]),
        key=st.sampled_from([None, None, "k1", "k2"]),
        mode=st.sampled_from([DeduplicationMode.UNTIL_FINISHED, DeduplicationMode.REPLACE]),
    )
    def enqueue(
        self, count: int, group: str, priority: int | None, delay_ms: int, key: str | None, mode: DeduplicationMode
    ) -> None:
        data = {"recipient": group} if group else {}
        for _ in range(count):
            added = self.engine.add(
                "message",
                data,
                priority=priority,
                delay_ms=delay_ms,
                deduplication_key=key,
                deduplication_mode=mode,
                keep_completed=KEPT,
                job_id=f"{self.made:04}",
            )
            self.made += 1
            if added.created:
                assert added.job_id not in self.states
                self.states[added.job_id] = added.state.value
                self.attempts[added.job_id] = 0
            assert self.states[added.job_id] == added.state.value
            assert added.state.value in UNFINISHED

    @rule(
        count=st.integers(1, 3),
        on_failure=st.sampled_from(OnFailure),
        delay_ms=st.sampled_from([0, 0, 3_600_000]),
        chained=st.booleans(),
        is_early=st.booleans(),
        cancels=st.booleans(),
        group=st.sampled_from(["a", ""]),
    )
    def enqueue_a_flow(
        self,
        *,
        count: int,
        on_failure: OnFailure,
        delay_ms: int,
        chained: bool,
        is_early: bool,
        cancels: bool,
        group: str,
    ) -> None:
        """Some jobs, one that waits for them all and perhaps one behind it, which may come in much later."""
        data = {"recipient": group} if group else {}
        firsts = [step(str(n), QUEUE, data=data) for n in range(count)]
        keys = [each.key for each in firsts]
        steps = [*firsts, step("all", QUEUE, *keys, on_failure=on_failure, data=data, delay_ms=delay_ms)]
        if chained:
            steps.append(step("behind", QUEUE, "all", on_failure=on_failure))
        self.made += 1
        jobs = jobs_of(steps, f"flow-{self.made:04}")
        late = [] if is_early else [jobs.pop("all")]
        for job in jobs.values():
            self._add_to_flow(job)
        self.flows.late += late
        if cancels:
            cancelled = jobs["0"].options.job_id or ""
            self.engine.store.cancel(cancelled, "ada")
            self._end(cancelled, "cancelled")
            self.dependents_are_told()
            while self.flows.late:
                self.enqueue_the_rest_of_a_flow()
            self.dependents_are_told()

    @precondition(lambda self: self.flows.late)
    @rule()
    def enqueue_the_rest_of_a_flow(self) -> None:
        self._add_to_flow(self.flows.late.pop())

    def _add_to_flow(self, job: NewJob) -> None:
        added = self.engine.broker.add(replace(job, options=replace(job.options, keep_completed=KEPT)))
        assert added.created
        self.states[added.job_id] = added.state.value
        self.attempts[added.job_id] = 0
        self.flows.add(added.job_id, job)

    @rule()
    def dependents_are_told(self) -> None:
        release_dependents(self.engine.scripts, QUEUE.value, self.engine.config)
        self.flows.tell()
        assert self.engine.client.xlen(keys.releases(QUEUE)) == 0

    @rule(worker=st.integers(0, 2), room=st.integers(1, 4))
    def fetch(self, worker: int, room: int) -> None:
        for job in self.workers[worker].fetch(room):
            assert not self.paused
            # Due jobs become waiting in the same step; a follow-up's release is seen through its holder.
            assert self.states[job.id] in {"waiting", "delayed"}, f"{job.id} was {self.states[job.id]}"
            assert job.id not in self.running
            self.attempts[job.id] += 1
            assert job.attempt == self.attempts[job.id]
            self.states[job.id] = "active"
            self.running[job.id] = (self.workers[worker], job)
        self._learn_promotions()

    @precondition(lambda self: self.running)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(["completed", "failed", "delayed", "released", "parked", "cancelled"]),
        delay=st.sampled_from([0, 3_600_000]),
    )
    def finish(self, data: st.DataObject, outcome: str, delay: int) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.running)))
        worker, job = self.running.pop(job_id)
        payload = error() if outcome in {"failed", "delayed"} else None
        expected = outcome
        if outcome in {"delayed", "released", "parked"}:
            expected = "cancelled" if job_id in self.cancelling else "delayed" if delay else "waiting"
        status = worker.finish(job, outcome, payload, delay, keep=KEPT)
        assert status == ("c" if outcome != "cancelled" and expected == "cancelled" else "a")
        if outcome in {"released", "parked"} and expected != "cancelled":
            self.attempts[job_id] -= 1
        self._end(job_id, expected)
        self.stale.append((worker, job))

    @precondition(lambda self: self.stale)
    @rule(data=st.data(), outcome=st.sampled_from(["completed", "failed", "delayed", "released"]))
    def finish_without_a_lease(self, data: st.DataObject, outcome: str) -> None:
        worker, job = data.draw(st.sampled_from(self.stale))
        held = worker.held.get(job.id)
        before = len(self.engine.stream())
        assert worker.finish(job, outcome, None, 0, keep=KEPT) in {"l", "d", "g"}
        assert len(self.engine.stream()) == before
        assert not worker.progress(job, 1)
        assert worker.renew(job) == "l"
        if held is not None:
            worker.held[job.id] = held
        self._learn_promotions()

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def renew_and_progress(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.running)))
        worker, job = self.running[job_id]
        assert worker.renew(job) == ("c" if job_id in self.cancelling else "o")
        assert worker.progress(job, {"step": 1})

    @rule()
    def leases_run_out(self) -> None:
        # On a slow machine the last sweep may be so long ago that this one would only grant a period of grace.
        self.engine.client.hdel(self.engine.prefix + "meta", "swept_at", "grace_until")
        self.engine.expire_leases()
        self.engine.sweep()
        for job_id, (worker, job) in sorted(self.running.items()):
            worker.held.pop(job_id, None)
            self.stale.append((worker, job))
            self.stalls[job_id] = self.stalls.get(job_id, 0) + 1
            if job_id in self.cancelling:
                self._end(job_id, "cancelled")
            elif self.stalls[job_id] > 1:
                self._end(job_id, "failed")
            else:
                self.attempts[job_id] -= 1
                self.states[job_id] = "waiting"
        self.running.clear()
        self._learn_promotions()

    @rule()
    def delays_pass(self) -> None:
        self.engine.make_due()
        self.engine.sweep()
        for job_id, state in self.states.items():
            if state == "delayed":
                self.states[job_id] = "waiting"

    @rule(worker=st.integers(0, 2))
    def a_reply_is_lost(self, worker: int) -> None:
        one = self.workers[worker]
        known = dict(one.held)
        one.fetch(2)
        one.held = known
        back, lost = one.reconcile()
        assert lost == []
        for job_id in back:
            self.states[job_id] = "waiting"
        self._learn_promotions()

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.states)))
        state = self.states[job_id]
        if state not in UNFINISHED:
            with pytest.raises(WrongState):
                self.engine.store.cancel(job_id, "ada")
            return
        self.engine.store.cancel(job_id, "ada", "model")
        if state == "active":
            self.cancelling.add(job_id)
        else:
            self._end(job_id, "cancelled")

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.states)))
        if self.states[job_id] != "failed":
            with pytest.raises(WrongState):
                self.engine.store.retry(QUEUE, job_id, "ada")
            return
        if self.flows.is_held_back(job_id):
            with pytest.raises(WrongState, match="depends on"):
                self.engine.store.retry(QUEUE, job_id, "ada")
            return
        holder = self._holder_of_its_key(job_id)
        if holder:
            with pytest.raises(DeduplicationKeyTaken) as taken:
                self.engine.store.retry(QUEUE, job_id, "ada")
            assert taken.value.holder_id == holder
            assert self.states[holder] in UNFINISHED
            return
        self.engine.store.retry(QUEUE, job_id, "ada")
        self.states[job_id] = "waiting"
        self.attempts[job_id] = self.stalls[job_id] = 0
        self.cancelling.discard(job_id)

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def promote(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.states)))
        if self.states[job_id] != "delayed":
            with pytest.raises(WrongState):
                self.engine.store.promote(job_id, "ada")
            return
        self.engine.store.promote(job_id, "ada")
        self.states[job_id] = "waiting"

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.states)))
        state = self.states[job_id]
        record = self.removal.record(QUEUE, job_id)
        awaited = ("follower" in record or "dependents" in record) and state in UNFINISHED
        if state in {"active", "blocked"} or awaited:
            with pytest.raises(WrongState):
                self.removal.remove(QUEUE, job_id, record, "ada")
            return
        shelf = self.removal.remove(QUEUE, job_id, record, "ada", "model")
        self.removed[job_id] = (record, shelf, self.states.pop(job_id))

    @precondition(lambda self: self.removed)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.removed)))
        record, shelf, state = self.removed[job_id]
        key = record.get("dedup")
        holder = (self.engine.client.get(f"{self.engine.prefix}dedup:{key}") or b"").decode() if key else ""
        if holder and state in UNFINISHED and self.states.get(holder) in UNFINISHED:
            with pytest.raises(DeduplicationKeyTaken) as taken:
                self.removal.restore(QUEUE, job_id, record, shelf, "ada")
            assert taken.value.holder_id == holder
            return
        self.removal.restore(QUEUE, job_id, record, shelf, "ada")
        self.states[job_id] = state
        del self.removed[job_id]
        with pytest.raises(WrongState):
            self.removal.restore(QUEUE, job_id, record, shelf, "ada")

    @rule(paused=st.booleans())
    def pause_or_resume(self, paused: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        changed = (self.engine.store.pause if paused else self.engine.store.resume)(QUEUE, "ada")
        assert changed == (paused != self.paused)
        self.paused = paused

    @rule(cap=st.sampled_from([None, 1, 3]), group_cap=st.sampled_from([None, 1, 2]))
    def limit(self, cap: int | None, group_cap: int | None) -> None:
        self.engine.store.set_limits(QUEUE, cap=cap, group_cap=group_cap)
        self.engine.sweep()
        self._learn_promotions()

    @rule()
    def clean(self) -> None:
        self.engine.store.clean(QUEUE, 0)
        for job_id in [one for one, state in self.states.items() if state not in UNFINISHED]:
            if self.engine.state(job_id) == "":
                del self.states[job_id]

    @invariant()
    def everything_agrees(self) -> None:
        assert {job_id: self.engine.state(job_id) for job_id in self.states} == self.states
        assert_agreement(self.engine)

    def _holder_of_its_key(self, job_id: str) -> str:
        key = self.engine.record(job_id).get("dedup")
        return (self.engine.client.get(f"{self.engine.prefix}dedup:{key}") or b"").decode() if key else ""

    def _end(self, job_id: str, state: str) -> None:
        self.states[job_id] = state
        self.cancelling.discard(job_id)
        if state not in UNFINISHED:
            self.flows.ended(job_id, state)
        self._learn_promotions()

    def _learn_promotions(self) -> None:
        # What a step may do besides: release a follow-up whose holder ended.
        for job_id, state in self.states.items():
            if state == "blocked" and job_id not in self.flows.told:
                now = self.engine.state(job_id)
                assert now in {"blocked", "waiting", "delayed"}
                blocker = next(e.fields["by"] for e in self.engine.stream() if e.event == "blocked" and e.job == job_id)
                ended = self.states.get(blocker, "completed") not in UNFINISHED
                if ended:
                    assert now != "blocked"
                    self.states[job_id] = now


@pytest.fixture
def machine(redis_server: RedisServer) -> type[EngineMachine]:
    def make_engine() -> Engine:
        engine = Engine(redis_server.url, queue=QUEUE)
        engine.client.flushall()
        return engine

    class Machine(EngineMachine):
        pass

    Machine.make_engine = staticmethod(make_engine)
    return Machine


@pytest.mark.slow
@pytest.mark.timeout(7_200 if SOAK else 600)
def test_the_engine_agrees_with_its_model(machine: type[EngineMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
