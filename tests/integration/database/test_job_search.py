"""Jobs are found by a filter wherever they stand: in Redis, in the archive, in the stream's unarchived end."""

from __future__ import annotations

import pytest
import redis
from sqlalchemy import func, select

from shared.broker import DokoBroker, JobOptions, NewJob
from shared.broker.connection import Scripts
from shared.broker.options import DeduplicationMode
from shared.database import Database
from shared.database.archive import Archiver
from shared.database.archive_reader import DatabaseArchive
from shared.database.index_reader import DatabaseIndex
from shared.database.models import JobIndexRow, JobMinute
from shared.job_filter import parse_filter
from shared.job_listing import InvalidCursor
from shared.job_store import JobStore
from shared.queues import Queue
from tests.kit.engine import RawWorker

PHONE = "+9779800000000"


class Desk:
    """A producer, a worker, an archiver, and who looks for jobs."""

    def __init__(self, database: Database, client: redis.Redis) -> None:
        self.client = client
        self.broker = DokoBroker(client)
        self.archiver = Archiver(database, client)
        self.store = JobStore(client, DatabaseArchive(database), index=DatabaseIndex(database))

    def order(self, number: str, **options: object) -> str:
        """An order's job."""
        data = {"orderId": number, "action": "CONFIRM", "data": {}}
        return self.broker.add(NewJob(Queue.ORDER_PROCESSING, "order", data, options=JobOptions(**options))).job_id  # type: ignore[arg-type]

    def message(self, *orders: str, phone: str = PHONE) -> str:
        """A message about orders."""
        data = {"recipient": phone, "data": {"orders": [{"orderNumber": each} for each in orders]}}
        return self.broker.add(NewJob(Queue.WHATSAPP, "message", data)).job_id

    def score(self, retailer: str, **options: object) -> str:
        """A credit score's job."""
        job = NewJob(
            Queue.CREDIT_SCORE,
            "credit-score-calculation",
            {"retailerId": retailer, "trigger": "manual"},
            options=JobOptions(**options),  # type: ignore[arg-type]
        )
        return self.broker.add(job).job_id

    def fail(self, queue: Queue, kind: str = "Timeout", message: str = "no answer") -> str:
        """Fail the next job of a queue."""
        worker = RawWorker(Scripts(self.client), queue.value, "w1")
        job = worker.take()
        worker.finish(job, "failed", {"type": kind, "message": message})
        return job.id

    def complete(self, queue: Queue, *, keep: int = 100) -> str:
        """Complete the next job of a queue."""
        worker = RawWorker(Scripts(self.client), queue.value, "w1")
        job = worker.take()
        worker.finish(job, "completed", {"success": True}, keep=keep)
        return job.id

    def find(self, text: str) -> list[str]:
        """The ids of all pages."""
        found: list[str] = []
        cursor = None
        while True:
            page = self.store.search(parse_filter(text), cursor, 2)
            found += [job.id for job in page.jobs]
            cursor = page.cursor
            if cursor is None:
                return found


@pytest.fixture
def desk(database: Database, redis_client: redis.Redis) -> Desk:
    return Desk(database, redis_client)


@pytest.mark.parametrize("is_archived", [False, True])
def test_a_job_is_found_by_whom_and_what_it_is_about(desk: Desk, *, is_archived: bool) -> None:
    message, order = desk.message("O1", "O2"), desk.order("O2")
    score = desk.score("R1")
    desk.message("O9", phone="+9779811111111")
    if is_archived:
        desk.archiver.run_once()

    assert desk.find("order:O1") == [message]
    # Jobs of the same millisecond come in the order of their ids.
    assert sorted(desk.find("order:O2")) == sorted(desk.find("order:O1,O2")) == sorted([order, message])
    assert desk.find("phone:9800000000") == [message]
    assert desk.find("retailer:R1") == [score]
    assert desk.find("order:O2 queue:whatsapp") == [message]
    assert desk.find("order:O2 -queue:whatsapp") == [order]
    assert desk.find("order:O2 -order:O1") == [order]
    assert desk.find("order:O3") == desk.find("user:nobody") == []


def test_pages_go_on_over_jobs_that_are_half_archived(desk: Desk) -> None:
    first = [desk.order("O1") for _ in range(5)]
    desk.archiver.run_once()
    second = [desk.order("O1") for _ in range(5)]

    assert sorted(desk.find("order:O1")) == sorted(first + second)
    assert set(desk.find("order:O1")[:5]) == set(second)


def test_a_state_is_always_the_present_one(desk: Desk) -> None:
    job_id = desk.order("O1")
    desk.archiver.run_once()
    assert desk.find("order:O1 state:waiting") == [job_id]

    desk.fail(Queue.ORDER_PROCESSING)

    assert desk.find("order:O1 state:waiting") == []
    assert desk.find("order:O1 state:failed") == [job_id]


def test_a_job_that_redis_has_forgotten_is_found_in_the_archive(desk: Desk) -> None:
    job_id = desk.order("O1")
    desk.complete(Queue.ORDER_PROCESSING, keep=0)
    # Neither Redis nor the archive has it now: the stream's end does.
    assert desk.find("order:O1") == [job_id]

    desk.archiver.run_once()

    assert desk.find("order:O1") == desk.find("state:completed") == desk.find(f"id:{job_id}") == [job_id]


def test_ended_jobs_come_from_redis_and_then_from_the_archive_each_once(desk: Desk) -> None:
    for number in range(4):
        desk.order(f"O{number}")
    failed = [desk.fail(Queue.ORDER_PROCESSING) for _ in range(4)]
    desk.archiver.run_once()
    prefix = f"doko:{{{Queue.ORDER_PROCESSING.value}}}:"
    for job_id in failed[:2]:
        desk.client.zrem(prefix + "failed", job_id)
        desk.client.delete(f"{prefix}job:{job_id}")

    assert set(desk.find("state:failed")[:2]) == set(failed[2:])
    assert set(desk.find("state:failed")[2:]) == set(failed[:2])
    assert len(desk.find("state:failed")) == 4


def test_errors_attempts_and_names_sift_the_jobs(desk: Desk) -> None:
    for number in range(3):
        desk.order(f"O{number}")
    first = desk.fail(Queue.ORDER_PROCESSING, "Timeout", "no answer from +9779800000000")
    second = desk.fail(Queue.ORDER_PROCESSING, "Refused", "over the limit")
    waiting = desk.order("O9")
    desk.archiver.run_once()

    assert desk.find("error:timeout") == [first]
    assert desk.find('error:"the limit"') == [second]
    assert desk.find("error:9800000000") == []
    assert desk.find("state:failed -error:Timeout") == [second]
    assert sorted(desk.find("name:order attempt>0")) == sorted([first, second])
    assert waiting in desk.find("attempt:0")
    assert desk.find("name:report") == []


def test_times_are_those_of_creation_or_of_the_end_that_is_asked_for(desk: Desk) -> None:
    job_id = desk.order("O1")
    desk.fail(Queue.ORDER_PROCESSING)
    desk.archiver.run_once()

    assert desk.find("since:1h") == desk.find("state:failed since:1h") == desk.find("until:0s") == [job_id]
    assert desk.find("until:1h") == desk.find("state:failed until:1h") == desk.find("since:2090-01-01") == []


def test_a_replaced_job_is_found_by_its_newest_data(desk: Desk) -> None:
    options = {"deduplication_key": "k", "deduplication_mode": DeduplicationMode.REPLACE, "delay_ms": 60_000}
    job_id = desk.score("R1", **options)
    desk.archiver.run_once()
    desk.score("R2", **options)
    assert desk.find("retailer:R2") == [job_id]

    desk.archiver.run_once()

    assert desk.find("retailer:R2") == [job_id]
    assert desk.find("retailer:R1") == []


def test_the_answer_says_how_far_the_index_is_behind(desk: Desk) -> None:
    desk.order("O1")
    desk.order("O2")
    behind = desk.store.search(parse_filter("order:O1"))
    desk.archiver.run_once()
    after = desk.store.search(parse_filter("order:O1"))

    assert behind.unindexed_events == 2
    assert behind.index_lag_ms >= 0
    assert (after.unindexed_events, after.index_lag_ms) == (0, 0)


def test_terms_that_exclude_each_other_find_nothing(desk: Desk) -> None:
    desk.order("O1")

    assert desk.find("state:waiting -state:waiting") == desk.find("queue:orders -queue:orders") == []


@pytest.mark.parametrize("text", ["order:O1", "state:failed", "id:orders-1", "name:order"])
@pytest.mark.parametrize("cursor", ["x", "bm8", "W10", "WyJhIl0", "WzEsMl0", "Wy01XQ", "W251bGxd", "WzllOTk5LDFd"])
def test_a_cursor_of_something_else_is_refused_or_ends(desk: Desk, text: str, cursor: str) -> None:
    desk.order("O1")
    try:
        page = desk.store.search(parse_filter(text), cursor)
    except InvalidCursor:
        return
    assert isinstance(page.jobs, list)


def test_the_index_and_the_counts_hold_each_event_once(desk: Desk, database: Database) -> None:
    for number in range(3):
        desk.order(f"O{number}")
    desk.fail(Queue.ORDER_PROCESSING)
    desk.complete(Queue.ORDER_PROCESSING)
    desk.archiver.run_once()
    desk.archiver.run_once()

    with database.reader() as tx:
        rows = tx.scalar(select(func.count()).select_from(JobIndexRow))
        counts = tx.execute(select(JobMinute.event, func.sum(JobMinute.events)).group_by(JobMinute.event)).all()
        durations = tx.scalar(select(func.sum(JobMinute.duration_ms)))
    assert rows == 3
    assert {event: int(count) for event, count in counts} == {
        "created": 3,
        "waiting": 3,
        "active": 2,
        "failed": 1,
        "completed": 1,
    }
    assert durations == 14
