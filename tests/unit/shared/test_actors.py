"""Actors on Dramatiq's own stub broker and worker, with a real SQLite database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Middleware
from dramatiq.results import Results
from dramatiq.results.backends import StubBackend
from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import override

from shared import outbox
from shared.actors import ActorRegistry
from shared.broker.options import NewJob
from shared.broker.proxy import CurrentJob, JobProxy, current_job, set_current_job
from shared.claims import stored_result
from shared.database import Database
from shared.database.models import ConversationWindow, OutboxJob
from shared.errors import PermanentError, RedisUnavailable, Refused, UnsupportedVersion
from shared.jobs import new_job
from shared.messages import AnswerOffer, RouteOrder, ScoreRetailer
from shared.messages.credit import Trigger
from shared.queues import Queue

DATA = {"retailerId": "RET001", "trigger": "manual"}
JOB_ID = "credit-1"


def current(message: Any) -> CurrentJob:
    proxy = JobProxy(message.message_id, message.queue_name, message.actor_name, "token")
    proxy.options.update(message.options)
    return CurrentJob(proxy, lambda _job, _value: True)


class RecordingProducer:
    """Takes the outbox's jobs, or fails as told."""

    def __init__(self) -> None:
        self.jobs: list[NewJob] = []
        self.error: Exception | None = None

    def add_many(self, jobs: Sequence[NewJob]) -> None:
        if self.error is not None:
            raise self.error
        self.jobs += jobs


class NotesJob(Middleware):
    """What the engine's middleware does for ``current_job``."""

    @override
    def before_process_message(self, broker: Any, message: Any) -> None:
        set_current_job(current(message))

    @override
    def after_process_message(self, broker: Any, message: Any, *, result: Any = None, exception: Any = None) -> None:
        set_current_job(None)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.dispose()


@pytest.fixture
def producer() -> RecordingProducer:
    return RecordingProducer()


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    results = Results(backend=StubBackend())  # type: ignore[no-untyped-call]
    broker = StubBroker(middleware=[results, NotesJob()])
    yield broker
    broker.close()


@dataclass(frozen=True)
class ScoreResult:
    points: int
    limit_left: Decimal
    band: Trigger


def score(job: ScoreRetailer, tx: Session) -> ScoreResult:
    """Leave a row for every run that commits."""
    tx.add(ConversationWindow(phone=f"+{job.retailer_id}", last_inbound_at=datetime(2026, 11, 24, tzinfo=UTC)))
    return ScoreResult(540, Decimal("10.50"), job.trigger)


def registered(function: Any = score, **options: Any) -> ActorRegistry:
    actors = ActorRegistry(Queue.CREDIT_SCORE)
    actors.actor(ScoreRetailer, **options)(function)  # type: ignore[no-untyped-call]
    return actors


def perform(broker: StubBroker, data: dict[str, Any] | None = None, *, version: Any = 1, args: Any = ()) -> Any:
    """Run the bound actor as the worker would: in the thread that holds the job."""
    actor = broker.get_actor(ScoreRetailer.JOB_NAME)
    message: dramatiq.Message[Any] = dramatiq.Message(
        queue_name=Queue.CREDIT_SCORE.value,
        actor_name=actor.actor_name,
        args=args,
        kwargs=DATA if data is None else data,
        options={"v": version},
        message_id=JOB_ID,
    )
    set_current_job(current(message))
    try:
        return actor.fn(*message.args, **message.kwargs)
    finally:
        set_current_job(None)


def rows(database: Database) -> int:
    with database.reader() as tx:
        return len(tx.scalars(select(ConversationWindow)).all())


def test_a_job_runs_on_dramatiqs_own_worker_and_leaves_its_result(
    broker: StubBroker, database: Database, producer: RecordingProducer
) -> None:
    registered().bind(broker, database, producer=producer)
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=100)
    worker.start()
    try:
        message = broker.get_actor(ScoreRetailer.JOB_NAME).message_with_options(kwargs=DATA, v=1)
        broker.enqueue(message)
        result = message.get_result(backend=broker.get_results_backend(), block=True, timeout=10_000)
    finally:
        worker.stop()

    assert result == {"success": True, "points": 540, "limitLeft": 10.5, "band": "manual"}
    assert rows(database) == 1


def test_binding_names_the_actor_after_the_job_on_its_queue(
    broker: StubBroker, database: Database, producer: RecordingProducer
) -> None:
    registered().bind(broker, database, producer=producer)

    actor = broker.get_actor("credit-score-calculation")
    assert (actor.queue_name, actor.options) == ("credit-score-calculation", {"store_results": True})


def test_a_declared_actor_stays_an_ordinary_function() -> None:
    actors = ActorRegistry(Queue.CREDIT_SCORE)

    assert actors.actor(ScoreRetailer)(score) is score


def test_a_registry_takes_only_messages_of_its_queue_once_each() -> None:
    with pytest.raises(ValueError, match="RouteOrder is a message of ORDER_ROUTING, not of CREDIT_SCORE"):
        ActorRegistry(Queue.CREDIT_SCORE).actor(RouteOrder)
    with pytest.raises(ValueError, match="ScoreRetailer has an actor already"):
        registered().actor(ScoreRetailer)
    routing = ActorRegistry(Queue.ORDER_ROUTING)
    routing.actor(RouteOrder)(lambda _job, _tx: None)
    routing.actor(AnswerOffer)(lambda _job, _tx: None)


def test_the_effect_and_the_claim_commit_together(
    broker: StubBroker, database: Database, producer: RecordingProducer
) -> None:
    registered().bind(broker, database, producer=producer)

    result = perform(broker)

    with database.reader() as tx:
        assert stored_result(tx, JOB_ID) == result
    assert rows(database) == 1


def test_a_redelivered_job_returns_the_stored_result_and_has_no_effect(
    broker: StubBroker, database: Database, producer: RecordingProducer
) -> None:
    registered().bind(broker, database, producer=producer)
    first = perform(broker)

    assert perform(broker) == first
    assert rows(database) == 1


def test_a_failed_attempt_leaves_no_effect_and_no_claim_so_that_its_retry_runs(
    broker: StubBroker, database: Database, producer: RecordingProducer
) -> None:
    attempts: list[int] = []

    def fails_first(job: ScoreRetailer, tx: Session) -> dict[str, int]:
        score(job, tx)
        outbox.add(tx, JOB_ID, "again", new_job(job))
        attempts.append(1)
        if len(attempts) == 1:
            raise Refused("over the limit")
        return {"points": 1}

    registered(fails_first).bind(broker, database, producer=producer)

    with pytest.raises(Refused):
        perform(broker)
    assert rows(database) == 0
    assert producer.jobs == []
    assert perform(broker) == {"success": True, "points": 1}
    assert rows(database) == 1
    assert len(producer.jobs) == 1


def asks_for_another(job: ScoreRetailer, tx: Session) -> None:
    outbox.add(tx, JOB_ID, "next", new_job(job, {"delay": 10}))


def test_what_an_actor_asks_for_is_enqueued_right_after_its_commit(
    broker: StubBroker, database: Database, producer: RecordingProducer
) -> None:
    registered(asks_for_another).bind(broker, database, producer=producer)

    perform(broker)

    (job,) = producer.jobs
    assert (job.queue, job.name, job.data) == (Queue.CREDIT_SCORE, "credit-score-calculation", DATA)
    assert (job.options.job_id, job.options.delay_ms) == ("credit-credit-1-next", 10)


def test_a_job_whose_outbox_cannot_be_published_now_has_still_taken_effect(
    broker: StubBroker, database: Database, producer: RecordingProducer, caplog: pytest.LogCaptureFixture
) -> None:
    registered(asks_for_another).bind(broker, database, producer=producer)
    producer.error = RedisUnavailable("connection refused")

    assert perform(broker) == {"success": True}

    assert "job credit-1 leaves 1 outbox jobs to the relay: connection refused" in caplog.text
    with database.reader() as tx:
        assert tx.scalars(select(OutboxJob.published_at)).all() == [None]


def test_an_actor_without_a_transaction_gets_the_database_and_claims_nothing(
    broker: StubBroker, database: Database, producer: RecordingProducer
) -> None:
    given: list[Any] = []
    registered(lambda job, base: given.append((job, base)), transaction=False).bind(broker, database, producer=producer)

    assert perform(broker) == {"success": True}
    assert given == [(ScoreRetailer("RET001", Trigger.MANUAL), database)]
    with database.reader() as tx:
        assert stored_result(tx, JOB_ID) is None


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({"retailerId": "RET001"}, "trigger: is required"),
        ({**DATA, "self": 1, "job": 2}, "self: is not known here.*job: is not known here|job: .*self: "),
        ({}, "retailerId: is required; trigger: is required"),
    ],
)
def test_data_that_the_schema_refuses_fails_for_good_naming_the_fields(
    broker: StubBroker, database: Database, producer: RecordingProducer, data: dict[str, Any], names: str
) -> None:
    registered().bind(broker, database, producer=producer)

    with pytest.raises(PermanentError, match=names):
        perform(broker, data)


def test_positional_values_fail_for_good(broker: StubBroker, database: Database, producer: RecordingProducer) -> None:
    registered().bind(broker, database, producer=producer)

    with pytest.raises(PermanentError, match="named values"):
        perform(broker, {}, args=("RET001",))


def test_a_newer_version_goes_back_to_wait_for_a_newer_worker(
    broker: StubBroker, database: Database, producer: RecordingProducer
) -> None:
    registered().bind(broker, database, producer=producer)

    with pytest.raises(UnsupportedVersion, match="version 2 is newer than 1"):
        perform(broker, version=2)


def test_an_actor_outside_a_job_says_so(broker: StubBroker, database: Database, producer: RecordingProducer) -> None:
    registered().bind(broker, database, producer=producer)

    assert current_job() is None
    with pytest.raises(RuntimeError, match="runs as a job only"):
        broker.get_actor(ScoreRetailer.JOB_NAME).fn(**DATA)
