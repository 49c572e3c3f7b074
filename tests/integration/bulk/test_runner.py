"""Bulk operations at work on a real Redis, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis
from sqlalchemy import select, update

from gateway.bulk import records, runner
from gateway.bulk.acting import Actor, Order, Result
from gateway.bulk.runner import BulkRunner
from gateway.bulk.targets import suitable
from shared.broker import DokoBroker, JobOptions, NewJob
from shared.broker.connection import Scripts
from shared.database import Database
from shared.database.archive import Archiver
from shared.database.archive_reader import DatabaseArchive
from shared.database.index_reader import DatabaseIndex
from shared.database.models import BulkAction, BulkItem, BulkOperation, BulkOutcome, BulkState
from shared.errors import JobNotFound, RedisUnavailable
from shared.job_filter import parse_filter
from shared.job_removal import JobRemoval
from shared.job_store import JobStore
from shared.queues import POLICIES, Queue
from tests.kit.engine import RawWorker

QUEUE = Queue.ORDER_PROCESSING


class Office:
    """Jobs, operations on them, and the process that carries these out."""

    def __init__(self, database: Database, client: redis.Redis) -> None:
        self.database = database
        self.client = client
        self.broker = DokoBroker(client)
        self.store = JobStore(client, DatabaseArchive(database), index=DatabaseIndex(database))
        self.archiver = Archiver(database, client)
        self.actor = Actor(self.store, JobRemoval(client), self.broker)
        self.runner = BulkRunner(database, self.store.finder, self.actor)
        self.worker = RawWorker(Scripts(client), QUEUE.value, "w1")

    def add(self, count: int, **options: Any) -> list[str]:
        jobs = [
            NewJob(QUEUE, "order", {"orderId": f"O{number}", "action": "CONFIRM"}, options=JobOptions(**options))
            for number in range(count)
        ]
        return [job.job_id for job in self.broker.add_many(jobs)]

    def fail(self, count: int) -> list[str]:
        failed = []
        for job in self.worker.fetch(count):
            self.worker.finish(job, "failed", {"type": "Timeout", "message": "no answer"})
            failed.append(job.id)
        return failed

    def order(
        self,
        action: BulkAction,
        text: str,
        *,
        per_minute: int | None = None,
        max_error_rate: float = 1.0,
        target: Queue | None = None,
    ) -> int:
        """Start an operation and return its id."""
        operation = BulkOperation(
            action=action,
            filter=str(suitable(action, parse_filter(text), target)),
            target=target,
            reason="test",
            requested_by="sita",
            per_minute=per_minute,
            max_error_percent=round(max_error_rate * 100),
            started_ms=self.store.finder.now_ms(),
        )
        with self.database.session() as tx:
            tx.add(operation)
            tx.flush()
            return operation.id

    def run(self, operation_id: int) -> BulkOperation:
        """Work until the operation has come to its end."""
        for _ in range(50):
            self.runner.run_once()
            if self.operation(operation_id).state not in {BulkState.RUNNING, BulkState.UNDOING}:
                return self.operation(operation_id)
        raise AssertionError(f"it doesn't end: {self.operation(operation_id).done} done")

    def operation(self, operation_id: int) -> BulkOperation:
        with self.database.reader() as tx:
            return tx.get_one(BulkOperation, operation_id)

    def change(self, operation_id: int, **values: Any) -> None:
        with self.database.session() as tx:
            tx.execute(update(BulkOperation).where(BulkOperation.id == operation_id).values(values))

    def items(self, operation_id: int) -> dict[str, BulkItem]:
        with self.database.reader() as tx:
            rows = tx.scalars(select(BulkItem).where(BulkItem.operation_id == operation_id))
            return {row.job_id: row for row in rows}

    def states(self, job_ids: list[str]) -> set[str]:
        return {self.store.job(job_id).state.value for job_id in job_ids}

    def events(self, job_id: str, name: str) -> int:
        return sum(event.event == name for event in self.store.events(job_id))


@pytest.fixture
def office(database: Database, redis_client: redis.Redis) -> Office:
    return Office(database, redis_client)


def test_all_failed_jobs_that_match_run_again_each_once(office: Office) -> None:
    office.add(250)
    failed = office.fail(250)
    office.archiver.run_once()
    operation_id = office.order(BulkAction.RETRY, "error:Timeout")

    ended = office.run(operation_id)

    assert (ended.state, ended.done, ended.refused) == (BulkState.COMPLETED, 250, 0)
    assert office.states(failed) == {"waiting"}
    assert {office.events(job_id, "retried") for job_id in failed} == {1}


def test_delayed_jobs_are_promoted_and_jobs_that_came_later_are_left_alone(office: Office) -> None:
    early = office.add(5, delay_ms=60_000)
    operation_id = office.order(BulkAction.PROMOTE, "queue:orders")
    office.change(operation_id, started_ms=office.store.finder.now_ms())
    while office.store.finder.now_ms() <= office.operation(operation_id).started_ms:
        pass
    late = office.add(5, delay_ms=60_000)

    ended = office.run(operation_id)

    assert ended.done == 5
    assert office.states(early) == {"waiting"}
    assert office.states(late) == {"delayed"}


@pytest.mark.parametrize("is_archived", [False, True])
def test_removed_jobs_are_gone_and_an_undo_brings_them_back_as_they_were(office: Office, *, is_archived: bool) -> None:
    waiting = office.add(3)
    failed = office.fail(3)
    waiting = office.add(3, priority=7)
    delayed = office.add(3, delay_ms=3_600_000, deduplication_key=None)
    if is_archived:
        office.archiver.run_once()
    before = {job_id: office.store.job(job_id) for job_id in [*failed, *waiting, *delayed]}
    operation_id = office.order(BulkAction.REMOVE, "queue:orders")

    ended = office.run(operation_id)

    assert (ended.state, ended.done, ended.refused) == (BulkState.COMPLETED, 9, 0)
    for _ in range(2):
        assert office.store.search(parse_filter("queue:orders")).jobs == []
        assert office.store.search(parse_filter("order:O1")).jobs == []
        for job_id in before:
            with pytest.raises(JobNotFound):
                office.store.job(job_id)
        office.archiver.run_once()
    office.change(operation_id, state=BulkState.UNDOING)
    undone = office.run(operation_id)
    assert (undone.state, undone.restored, undone.lost) == (BulkState.UNDONE, 9, 0)
    assert {job_id: office.store.job(job_id) for job_id in before} == before
    assert [job.id for job in office.worker.fetch(5)] == waiting
    office.archiver.run_once()
    assert len(office.store.search(parse_filter("order:O1")).jobs) == 3
    assert {job.id for job in office.store.search(parse_filter("state:failed")).jobs} == set(failed)


def test_a_job_that_cannot_come_back_says_why_and_the_others_do(office: Office) -> None:
    first = office.add(1, deduplication_key="k")
    others = office.add(2)
    operation_id = office.order(BulkAction.REMOVE, "state:waiting")
    office.run(operation_id)
    (holder,) = office.add(1, deduplication_key="k")
    office.change(operation_id, state=BulkState.UNDOING)

    undone = office.run(operation_id)

    assert (undone.restored, undone.lost) == (2, 1)
    assert holder in (office.items(operation_id)[first[0]].why or "")
    assert office.states(others) == {"waiting"}


def test_running_and_awaited_jobs_are_not_removed(office: Office) -> None:
    office.add(2)
    running = office.worker.take()
    order = Order(BulkAction.REMOVE, None, "sita, bulk 1", "test")
    kept = office.actor.keep(order, running.id)

    result = office.actor.act(order, kept)

    assert result.outcome is BulkOutcome.REFUSED
    assert "is active; cancel it instead" in (result.why or "")
    assert office.actor.keep(order, "orders-none").outcome is BulkOutcome.REFUSED


def test_the_records_of_removed_jobs_are_forgotten_after_an_hour(office: Office) -> None:
    (job_id,) = office.add(1)
    operation_id = office.order(BulkAction.REMOVE, f"id:{job_id}")
    office.run(operation_id)
    now_ms = office.store.finder.now_ms()

    assert records.forget_records(office.database, now_ms) == 0
    assert records.forget_records(office.database, now_ms + records.UNDO_MS + 60_000) == 1
    assert office.items(operation_id)[job_id].record is None


def test_a_pace_is_kept(office: Office) -> None:
    office.add(50, delay_ms=600_000)
    operation_id = office.order(BulkAction.PROMOTE, "queue:orders", per_minute=60)

    office.runner.run_once()
    office.runner.run_once()

    operation = office.operation(operation_id)
    assert 1 <= operation.done <= 4
    assert operation.state is BulkState.RUNNING
    assert operation.next_ms > office.store.finder.now_ms() - 1_000


@pytest.mark.parametrize(
    ("per_minute", "idle_ms", "room"), [(None, 0, runner.CHUNK), (60, 0, 1), (60, 10_000, 2), (6000, 500, 51)]
)
def test_the_room_that_a_pace_leaves(per_minute: int | None, idle_ms: int, room: int) -> None:
    assert runner._room(per_minute, 100_000, 100_000 + idle_ms)[0] == room


def test_an_operation_stops_when_too_many_retried_jobs_fail_again(office: Office, monkeypatch: Any) -> None:
    monkeypatch.setattr(runner, "CHUNK", 30)
    office.add(90)
    for _ in range(3):
        office.fail(30)
    operation_id = office.order(BulkAction.RETRY, "state:failed", max_error_rate=0.2)
    real = office.actor.act

    def act_and_fail(order: Order, job: Result) -> Result:
        result = real(order, job)
        office.fail(1)
        office.archiver.run_once()
        return result

    monkeypatch.setattr(office.actor, "act", act_and_fail)

    ended = office.run(operation_id)

    assert ended.state is BulkState.STOPPED
    assert ended.done == 30
    assert "were refused or failed again, more than 20%" in (ended.stop_reason or "")


@pytest.mark.parametrize(
    ("action", "text", "event"),
    [(BulkAction.RETRY, "state:failed", "retried"), (BulkAction.REMOVE, "state:failed", "removed")],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_dies_leaves_each_job_acted_on_once(
    office: Office, monkeypatch: Any, action: BulkAction, text: str, event: str, when: str
) -> None:
    office.add(10)
    failed = office.fail(10)
    operation_id = office.order(action, text)
    real: Callable[[Order, Result], Result] = office.actor.act
    acted: list[str] = []

    def die_on_the_fifth(order: Order, job: Result) -> Result:
        if len(acted) == 4 and when == "before":
            raise RedisUnavailable("gone")
        acted.append(job.job_id)
        result = real(order, job)
        if len(acted) == 5 and when == "after":
            raise RedisUnavailable("gone")
        return result

    monkeypatch.setattr(office.actor, "act", die_on_the_fifth)
    with pytest.raises(RedisUnavailable):
        office.runner.run_once()
    monkeypatch.setattr(office.actor, "act", real)
    assert office.runner.run_once() == 0, "the lease of the dead one still holds"
    office.change(operation_id, lease_until_ms=0)

    ended = office.run(operation_id)

    assert (ended.done, ended.refused) == (10, 0)
    assert {office.events(job_id, event) for job_id in failed} == {1}
    if action is BulkAction.REMOVE:
        assert all(item.record for item in office.items(operation_id).values())


def test_a_process_that_was_away_too_long_changes_nothing(office: Office) -> None:
    office.add(3)
    office.fail(3)
    operation_id = office.order(BulkAction.RETRY, "state:failed")
    now_ms = office.store.finder.now_ms()
    slow = records.claim(office.database, now_ms)
    assert slow is not None
    assert records.claim(office.database, now_ms) is None
    quick = records.claim(office.database, now_ms + records.LEASE_MS)
    assert quick is not None
    assert quick.id == slow.id == operation_id

    with pytest.raises(records.LeaseLost):
        records.begin(office.database, slow, [Result("orders-1", BulkOutcome.ACTING)], None, 0, now_ms)
    with pytest.raises(records.LeaseLost):
        records.end(office.database, slow, BulkState.COMPLETED, now_ms)
    assert office.items(operation_id) == {}


def test_a_stopped_operation_acts_on_no_further_job(office: Office) -> None:
    office.add(3)
    failed = office.fail(3)
    operation_id = office.order(BulkAction.RETRY, "state:failed")
    claimed = records.claim(office.database, office.store.finder.now_ms())
    assert claimed is not None
    office.change(operation_id, state=BulkState.STOPPED)

    assert office.runner.run_once() == 0
    with pytest.raises(records.LeaseLost):
        office.runner._work(claimed)
    assert office.states(failed) == {"failed"}


def test_jobs_move_to_another_queue_that_runs_them(office: Office, monkeypatch: Any) -> None:
    routing = POLICIES[Queue.ORDER_ROUTING]
    monkeypatch.setitem(POLICIES, Queue.ORDER_ROUTING, replace(routing, job_names=(*routing.job_names, "order")))
    moved = office.add(3, attempts=7)
    operation_id = office.order(BulkAction.MOVE, "queue:orders", target=Queue.ORDER_ROUTING)

    ended = office.run(operation_id)

    assert (ended.done, ended.refused) == (3, 0)
    for job_id in moved:
        job = office.store.job(f"routing-moved-{job_id}")
        assert (job.queue, job.name, job.attempts, job.state.value) == (Queue.ORDER_ROUTING, "order", 7, "waiting")
        with pytest.raises(JobNotFound):
            office.store.job(job_id)
