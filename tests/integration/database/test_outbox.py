"""The outbox: jobs that go with rows are enqueued once those rows are committed, whatever dies."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shared import outbox
from shared.broker.options import MAX_JOB_ID_LENGTH, JobOptions, NewJob
from shared.database import Database
from shared.database.base import utc_now
from shared.database.models import OutboxJob
from shared.errors import InvalidOption, RedisUnavailable
from shared.queues import Backoff, BackoffType, Queue

AT_ONCE = timedelta(0)
PARENT = "orders-1"


class RecordingBroker:
    """Stands for the engine where only what it was asked matters; ids are idempotent as in the engine."""

    def __init__(self) -> None:
        self.calls: list[list[NewJob]] = []
        self.jobs: dict[str, NewJob] = {}
        self.error: Exception | None = None
        self.refused: set[str] = set()
        self._lock = threading.Lock()

    def add_many(self, jobs: Sequence[NewJob]) -> None:
        if self.error is not None:
            raise self.error
        ids = [job.options.job_id or "" for job in jobs]
        if self.refused & set(ids):
            raise InvalidOption("priority must be a whole number from 1 to 100", field="priority")
        with self._lock:
            self.calls.append(list(jobs))
            for job_id, job in zip(ids, jobs, strict=True):
                self.jobs.setdefault(job_id, job)


@pytest.fixture
def broker() -> RecordingBroker:
    return RecordingBroker()


def a_message(text: str = "hello", options: JobOptions | None = None) -> NewJob:
    return NewJob(Queue.WHATSAPP, "message", {"message": text}, 2, options or JobOptions())


def add(database: Database, *steps: str, job: NewJob | None = None) -> list[str]:
    with database.session() as tx:
        return [outbox.add(tx, PARENT, step, job or a_message(step)) for step in steps]


def rows_of(database: Database) -> list[OutboxJob]:
    with database.reader() as tx:
        return list(tx.scalars(select(OutboxJob).order_by(OutboxJob.id)))


def test_an_id_names_its_queue_its_parent_and_its_step(database: Database) -> None:
    assert add(database, "confirm") == ["whatsapp-orders-1-confirm"]


def test_the_id_of_a_long_chain_is_short_stable_and_its_own() -> None:
    parent = "orders-" + "x" * MAX_JOB_ID_LENGTH
    first, again = (outbox.derived_job_id(Queue.WHATSAPP, parent, "confirm") for _ in range(2))

    assert first == again
    assert len(first) <= MAX_JOB_ID_LENGTH
    assert first.startswith("whatsapp-")
    assert first != outbox.derived_job_id(Queue.WHATSAPP, parent, "cancel")
    assert first != outbox.derived_job_id(Queue.WHATSAPP, parent + "y", "confirm")


def test_adding_a_step_again_changes_nothing(database: Database) -> None:
    add(database, "confirm", job=a_message("first"))
    add(database, "confirm", job=a_message("second"))

    assert [row.data for row in rows_of(database)] == [{"message": "first"}]


def test_a_rolled_back_transaction_leaves_no_job(database: Database, broker: RecordingBroker) -> None:
    def add_and_fail() -> None:
        with database.session() as tx:
            outbox.add(tx, PARENT, "confirm", a_message())
            raise RuntimeError("the actor fails")

    with pytest.raises(RuntimeError):
        add_and_fail()

    assert outbox.publish_pending(database, broker, age=AT_ONCE) == 0
    assert broker.jobs == {}


def test_a_session_knows_what_was_added_in_it(database: Database) -> None:
    with database.session() as tx:
        outbox.add(tx, PARENT, "confirm", a_message())
        outbox.add(tx, PARENT, "notify", a_message())

        assert outbox.added(tx) == ["whatsapp-orders-1-confirm", "whatsapp-orders-1-notify"]


def test_a_published_job_is_the_one_that_was_added(database: Database, broker: RecordingBroker) -> None:
    options = JobOptions(
        delay_ms=5000, attempts=5, priority=1, backoff=Backoff(BackoffType.FIXED, 100), deduplication_key="k"
    )
    [job_id] = add(database, "confirm", job=a_message("hello", options))

    assert outbox.publish(database, broker, [job_id]) == 1

    job = broker.jobs[job_id]
    assert (job.queue, job.name, job.data, job.version) == (Queue.WHATSAPP, "message", {"message": "hello"}, 2)
    assert job.options.to_json() == options.to_json() | {"jobId": job_id}


def test_a_published_row_is_not_published_again(database: Database, broker: RecordingBroker) -> None:
    ids = add(database, "confirm")
    outbox.publish(database, broker, ids)

    assert outbox.publish(database, broker, ids) == 0
    assert outbox.publish_pending(database, broker, age=AT_ONCE) == 0
    assert len(broker.calls) == 1


def test_a_row_stays_until_the_broker_took_its_job(database: Database, broker: RecordingBroker) -> None:
    ids = add(database, "confirm")
    broker.error = RedisUnavailable("no Redis")
    with pytest.raises(RedisUnavailable):
        outbox.publish(database, broker, ids)
    broker.error = None

    assert outbox.Relay(database, broker, age=AT_ONCE).run_once() == 1
    assert set(broker.jobs) == set(ids)


def test_a_crash_between_enqueue_and_mark_makes_no_second_job(
    database: Database, broker: RecordingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = add(database, "confirm", "notify")

    def die(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_mark", die)
        with pytest.raises(KeyboardInterrupt):
            outbox.publish(database, broker, ids)

    assert outbox.Relay(database, broker, age=AT_ONCE).run_once() == 2
    assert len(broker.calls) == 2
    assert set(broker.jobs) == set(ids)


def test_the_relay_leaves_young_rows_to_the_process_that_wrote_them(
    database: Database, broker: RecordingBroker
) -> None:
    add(database, "confirm")

    assert outbox.Relay(database, broker, age=timedelta(minutes=1)).run_once() == 0
    assert outbox.Relay(database, broker, age=AT_ONCE).run_once() == 1


def test_the_relay_publishes_in_order_and_in_batches(database: Database, broker: RecordingBroker) -> None:
    ids = add(database, *(f"step-{number}" for number in range(7)))

    assert outbox.Relay(database, broker, batch=3, age=AT_ONCE).run_once() == 7

    assert [len(call) for call in broker.calls] == [3, 3, 1]
    assert [job.options.job_id for call in broker.calls for job in call] == ids


def test_a_row_that_the_engine_refuses_holds_up_no_other(database: Database, broker: RecordingBroker) -> None:
    ids = add(database, "a", "b", "c")
    broker.refused = {ids[1]}

    assert outbox.Relay(database, broker, age=AT_ONCE).run_once() == 2

    assert set(broker.jobs) == {ids[0], ids[2]}
    refused = rows_of(database)[1]
    assert (refused.refusal, refused.published_at) == ("priority must be a whole number from 1 to 100", None)
    assert refused.refused_at is not None
    assert outbox.Relay(database, broker, age=AT_ONCE).run_once() == 0


def test_a_row_with_options_that_no_version_knows_is_refused(database: Database, broker: RecordingBroker) -> None:
    add(database, "a")
    with database.session() as tx:
        tx.scalars(select(OutboxJob)).one().options = {"colour": "blue"}

    assert outbox.Relay(database, broker, age=AT_ONCE).run_once() == 0
    assert "colour" in (rows_of(database)[0].refusal or "")


def test_relays_at_once_lose_nothing_and_make_no_job_twice(database: Database, broker: RecordingBroker) -> None:
    ids = add(database, *(f"step-{number}" for number in range(200)))
    relays = [outbox.Relay(database, broker, batch=10, age=AT_ONCE) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda relay: relay.run_once(), relays))
    rest = outbox.Relay(database, broker, age=AT_ONCE).run_once()

    assert sum(counts) + rest == 200
    assert set(broker.jobs) == set(ids)
    assert all(row.published_at for row in rows_of(database))
    if not database.is_sqlite:
        published = Counter(job.options.job_id for call in broker.calls for job in call)
        assert set(published.values()) == {1}


def test_the_length_and_age_of_the_outbox_leave_out_what_was_published_or_refused(
    database: Database, broker: RecordingBroker
) -> None:
    with database.reader() as tx:
        assert outbox.pending(tx) == (0, 0.0)
    broker.refused = set(add(database, "refused"))
    published = add(database, "published")
    outbox.publish(database, broker, [*broker.refused, *published])
    add(database, "one", "two")
    with database.session() as tx:
        tx.execute(update(OutboxJob).values(created_at=utc_now() - timedelta(minutes=5)))

    with database.reader() as tx:
        count, oldest_s = outbox.pending(tx)

    assert count == 2
    assert 300 <= oldest_s < 400
