"""The actor in a real Dramatiq worker on a real Redis, on both databases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
import redis
from dramatiq.worker import Worker
from sqlalchemy import select, update

from services.credit import repository
from services.credit.actors import declare
from shared.broker import DokoBroker, EngineConfig, State
from shared.broker import timekeeper as engine_clock
from shared.broker.connection import connect
from shared.business import OrderState
from shared.database.models import ProcessedJob, Retailer
from shared.job_records import Job
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.messages.credit import Trigger
from tests.integration.credit.facts import NOW, RETAILER, RUPEE, Facts, FixedClock, ago, day
from tests.kit.engine import PATIENCE_S

FINISHED = (State.COMPLETED, State.FAILED)
CONFIG = EngineConfig(lease_ms=2_000, sweep_interval_ms=200, shutdown_grace_ms=300)


class Desk:
    """A worker of the queue, a producer, and a look at what became of jobs."""

    def __init__(self, url: str, facts: Facts) -> None:
        self.broker = DokoBroker(connect(url), CONFIG)
        declare(FixedClock()).bind(self.broker, facts.database)
        self.service = JobQueueService(self.broker)
        self.store = JobStore(connect(url))

    def enqueue(self, job_id: str, retailer: str = RETAILER, trigger: Trigger = Trigger.MANUAL) -> None:
        self.service.calculate_credit_score(retailer, trigger, job_id=job_id, delay=0, deduplicate=False)

    def finished(self, job_id: str) -> Job:
        """The job, once it is completed or failed."""
        return self.await_state(job_id, *FINISHED)

    def await_state(self, job_id: str, *states: State) -> Job:
        """The job, once it is in one of the states."""
        deadline = time.monotonic() + PATIENCE_S
        while (job := self.store.job(job_id)).state not in states:
            assert time.monotonic() < deadline, f"{job_id} is still {job.state}"
            time.sleep(0.01)
        return job

    @contextmanager
    def working(self) -> Iterator[None]:
        worker = Worker(self.broker, worker_timeout=100, worker_threads=2)
        with patch.object(engine_clock, "LISTEN_S", 0.1):
            worker.start()
            try:
                yield
            finally:
                worker.stop(timeout=10_000)


@contextmanager
def open_desk(url: str, facts: Facts) -> Iterator[Desk]:
    opened = Desk(url, facts)
    yield opened
    opened.broker.close()


@pytest.fixture
def desk(redis_url: str, facts: Facts) -> Iterator[Desk]:
    with open_desk(redis_url, facts) as opened:
        yield opened


def test_a_job_stores_the_score_and_returns_it(desk: Desk, facts: Facts) -> None:
    facts.worked_example()

    with desk.working():
        desk.enqueue("credit-1", trigger=Trigger.PAYMENT_RECEIVED)
        job = desk.finished("credit-1")

    assert (job.state, job.error) == (State.COMPLETED, None)
    assert job.result == {
        "success": True,
        "retailerId": RETAILER,
        "score": 576,
        "previousScore": None,
        "band": "Fair",
    }
    (stored,) = facts.scores()
    assert (stored.score, stored.trigger, stored.job_id) == (576, Trigger.PAYMENT_RECEIVED, "credit-1")
    assert stored.calculated_at == NOW
    assert facts.score_of() == 576


def test_the_next_score_knows_the_one_before(desk: Desk, facts: Facts) -> None:
    """A fifth order is paid off on its due date: the share becomes 1,000/5,500, the mean 169/6 = 28.17 days.

    The payment history stays 0 (0.18 - 0.28). The order was made 40 days ago: 6 orders in 200 days are 0.9 a month,
    still 0.2. Intervals 30, 30, 30, 30, 40: mean 32, deviation 4, cv 0.125, regularity 8/9. (0.2 + 8/9)/2 = 49/90,
    halved since 40 > 30: 49/180, which adds 32.67 where 0.3 added 36. 576 - 36 + 32.67 = 572.67, rounded 573.
    """
    retailer_id = facts.worked_example()

    with desk.working():
        desk.enqueue("credit-1")
        desk.finished("credit-1")
        order_id = facts.order(retailer_id, OrderState.DELIVERED, rupees_paid=1_000, created_at=ago(40), due_on=day(9))
        facts.payment(order_id, 1_000, ago(9))
        desk.enqueue("credit-2")
        job = desk.finished("credit-2")

    assert job.result["previousScore"] == 576
    assert job.result["score"] == facts.score_of() == 573


def test_an_unknown_retailer_fails_at_once_and_leaves_nothing(desk: Desk, facts: Facts) -> None:
    with desk.working():
        desk.enqueue("credit-1", retailer="RET404")
        job = desk.finished("credit-1")

    assert (job.state, job.attempt) == (State.FAILED, 1)
    assert job.error is not None
    assert "no retailer has the code 'RET404'" in str(job.error)
    assert facts.scores() == []
    with facts.database.reader() as tx:
        assert tx.scalars(select(ProcessedJob)).all() == []


def test_a_job_that_comes_again_changes_nothing(
    desk: Desk, facts: Facts, redis_url: str, redis_client: redis.Redis
) -> None:
    facts.worked_example()

    with desk.working():
        desk.enqueue("credit-1")
        first = desk.finished("credit-1")
    redis_client.flushall()  # The engine forgot that it ran; the database has not.
    with open_desk(redis_url, facts) as later, later.working():
        later.enqueue("credit-1")
        again = later.finished("credit-1")

    assert again.result == first.result
    assert len(facts.scores()) == 1


def test_a_calculation_waits_for_whoever_changes_the_retailer_and_sees_the_change(desk: Desk, facts: Facts) -> None:
    """The debt rises from 500 to 95,000 of 100,000: utilisation 1 becomes 0, and 576 - 120 = 456."""
    facts.worked_example()

    with desk.working():
        with facts.database.session() as tx:
            account = repository.lock_account(tx, RETAILER)
            desk.enqueue("credit-1")
            desk.await_state("credit-1", State.ACTIVE)
            time.sleep(0.1)  # Time enough to read the old debt, were it not locked.
            tx.execute(update(Retailer).where(Retailer.id == account.id).values(debt_paisa=95_000 * RUPEE))
        job = desk.finished("credit-1")

    assert job.result["score"] == 456


def test_calculations_of_one_retailer_side_by_side_are_all_stored(desk: Desk, facts: Facts) -> None:
    facts.worked_example()

    with desk.working():
        for number in range(6):
            desk.enqueue(f"credit-{number}")
        jobs = [desk.finished(f"credit-{number}") for number in range(6)]

    assert [(job.state, job.attempt) for job in jobs] == [(State.COMPLETED, 1)] * 6
    assert [stored.score for stored in facts.scores()] == [576] * 6


def test_a_burst_of_triggers_is_one_calculation_with_the_newest_trigger(desk: Desk, facts: Facts) -> None:
    facts.worked_example()

    with desk.working():
        triggers = (Trigger.ORDER_CONFIRMED, Trigger.PAYMENT_RECEIVED, Trigger.ORDER_COMPLETED)
        ids = {desk.service.calculate_credit_score(RETAILER, trigger, delay=300).job_id for trigger in triggers}
        (job_id,) = ids
        desk.finished(job_id)

    (stored,) = facts.scores()
    assert (stored.trigger, stored.job_id) == (Trigger.ORDER_COMPLETED, job_id)
