"""Retention: old rows go in batches, young ones and unfinished ones stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from shared.database import Database, retention
from shared.database.base import Base
from shared.database.models import (
    ArchivedJob,
    DraftRequest,
    JobEventRow,
    JobIndexRow,
    JobMinute,
    MessageState,
    Order,
    OutboxJob,
    ProcessedJob,
    WhatsAppReceipt,
)
from shared.database.retention import Removed, Retention, remove_archive_older_than, remove_expired
from shared.queues import Queue
from tests.integration.database import business_rows

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OLD = NOW - timedelta(days=11)
YOUNG = NOW - timedelta(days=9)
TEN_DAYS = Retention(*[timedelta(days=10)] * 4)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)


def put(database: Database, model: type[Base], *rows: dict[str, Any]) -> None:
    with database.session() as tx:
        tx.execute(insert(model), list(rows))


def count(database: Database, model: type[Base]) -> int:
    with database.reader() as tx:
        return tx.scalars(select(func.count()).select_from(model)).one()


def ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def an_event(at: datetime, seq: int, queue: Queue = Queue.WHATSAPP) -> dict[str, Any]:
    return {"queue": queue, "at_ms": ms(at), "seq": seq, "job_id": "x-1", "event": "waiting", "fields": {}}


def a_job(number: int, finished: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {"job_id": f"whatsapp-{number}", "queue": Queue.WHATSAPP, "name": "message"}
    row |= {"state": "completed", "version": 1, "attempt": 1, "attempts": 3, "data": {}, "options": {}}
    return row | {"errors": [], "rest": {}, "finished_at_ms": ms(finished), "event_ms": ms(finished), "event_seq": 0}


def test_old_events_and_jobs_leave_the_archive_and_young_ones_stay(database: Database) -> None:
    put(database, JobEventRow, *(an_event(OLD, seq) for seq in range(10)), an_event(YOUNG, 0))
    put(database, JobEventRow, an_event(OLD, 0, Queue.ORDER_ROUTING))
    put(database, ArchivedJob, *(a_job(number, OLD) for number in range(7)), a_job(7, YOUNG))

    removed = remove_archive_older_than(database, 10, now=NOW)

    assert removed == Removed(job_events=11, archived_jobs=7)
    assert (count(database, JobEventRow), count(database, ArchivedJob)) == (1, 1)


def test_old_rows_of_the_index_and_of_the_counts_go(database: Database) -> None:
    indexed = [(name, at, number) for name in ("message", "order") for number, at in enumerate([OLD] * 4 + [YOUNG])]
    put(
        database,
        JobIndexRow,
        *({"name": n, "created_ms": ms(at), "job_id": f"x-{i}", "place": 0, "retailer": "R1"} for n, at, i in indexed),
    )
    counted = [(Queue.WHATSAPP, OLD), (Queue.ORDER_ROUTING, OLD), (Queue.WHATSAPP, YOUNG)]
    figures = {"event": "waiting", "events": 2, "duration_ms": 0}
    put(database, JobMinute, *({"queue": queue, "minute_ms": ms(at), **figures} for queue, at in counted))

    assert remove_archive_older_than(database, 10, now=NOW) == Removed(job_index=8, job_minutes=2)
    assert (count(database, JobIndexRow), count(database, JobMinute)) == (2, 1)


def test_old_claims_and_receipts_go(database: Database) -> None:
    claims = [("a", OLD), ("b", OLD), ("c", OLD), ("d", OLD), ("e", YOUNG)]
    put(
        database,
        ProcessedJob,
        *({"job_id": i, "queue": Queue.WHATSAPP, "result": {}, "finished_at": at} for i, at in claims),
    )
    put(
        database,
        WhatsAppReceipt,
        *(
            {"provider": "meta", "provider_id": i, "state": MessageState.READ, "at": at, "received_at": at}
            for i, at in claims
        ),
    )

    assert remove_expired(database, TEN_DAYS, now=NOW) == Removed(processed_jobs=4, receipts=4)
    assert (count(database, ProcessedJob), count(database, WhatsAppReceipt)) == (1, 1)


def test_keys_of_requests_for_drafts_go_after_a_day(database: Database) -> None:
    day = timedelta(days=1)
    with database.session() as tx:
        business_rows.add_a_small_business(tx)
        number = tx.scalars(select(Order.number)).first()
    ages = {"older": day + timedelta(seconds=1), "younger": day - timedelta(seconds=1)}
    asked = [
        {"owner": "1", "key": key, "body_hash": "", "number": number, "at": NOW - age} for key, age in ages.items()
    ]
    put(database, DraftRequest, *asked)

    assert remove_expired(database, now=NOW).draft_requests == 1
    with database.reader() as tx:
        assert tx.scalars(select(DraftRequest.key)).all() == ["younger"]


def test_an_unpublished_job_stays_in_the_outbox_however_old_it_is(database: Database) -> None:
    row = {"queue": Queue.WHATSAPP, "name": "message", "version": 1, "data": {}, "options": {}, "created_at": OLD}
    put(database, OutboxJob, row | {"job_id": "waits"})
    put(database, OutboxJob, row | {"job_id": "gone", "published_at": OLD})
    put(database, OutboxJob, row | {"job_id": "young", "published_at": YOUNG})

    assert remove_expired(database, TEN_DAYS, now=NOW) == Removed(outbox=1)
    with database.reader() as tx:
        assert set(tx.scalars(select(OutboxJob.job_id))) == {"waits", "young"}


def test_removing_twice_removes_nothing_more(database: Database) -> None:
    put(database, JobEventRow, an_event(OLD, 0))
    remove_expired(database, TEN_DAYS, now=NOW)

    assert remove_expired(database, TEN_DAYS, now=NOW) == Removed()
