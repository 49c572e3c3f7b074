"""The business came after the engine: its revisions run on a database that is in use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alembic import command
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from shared.business import OfferState
from shared.database import Database, vendor_records
from shared.database.base import dump_json, load_json
from shared.database.migrate import _config, migrate, newest_revision
from shared.database.models import (
    Direction,
    MessageState,
    OutboxJob,
    Retailer,
    RoutingDecision,
    Vendor,
    VendorRecord,
    WhatsAppMessage,
)
from shared.queues import Queue
from tests.integration.database import business_rows as rows

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OLD_DECISION = text(
    "insert into routing_decisions (order_id, attempt, job_id, candidates, explanation, decided_at)"
    " values (1, 1, :job, :candidates, 'Of old.', '2026-11-24 06:00:00+00:00')"
)


def test_a_filled_database_of_the_first_revision_comes_forward_with_all_its_rows(empty_database_url: str) -> None:
    assert migrate(empty_database_url, "0001") == "0001"
    database = Database(empty_database_url)
    with database.session() as tx:
        tx.add(
            OutboxJob(job_id="credit-1", queue=Queue.CREDIT_SCORE, name="score", version=1, data={"a": 1}, options={})
        )
        tx.add(a_message())

    assert migrate(empty_database_url) == newest_revision()

    with database.session() as tx:
        assert tx.scalars(select(OutboxJob.data)).all() == [{"a": 1}]
        assert tx.scalars(select(WhatsAppMessage.phone)).all() == ["+9779800000000"]
        tx.add(Retailer(code="RET001", shop_name="Sita Pasal", phone="+9779800000000"))
    database.dispose()


def test_vendors_come_forward_with_the_records_that_their_orders_and_offers_make(empty_database_url: str) -> None:
    migrate(empty_database_url, "0006")
    database = Database(empty_database_url)
    lately = datetime.now(UTC) - timedelta(days=2)
    times = dict.fromkeys(("confirmed_at", "assigned_at", "accepted_at", "dispatched_at"), lately)
    with database.session() as tx:
        rows.add_a_small_business(tx)
        delivered = rows.DELIVERED | times | {"delivered_at": lately + timedelta(hours=30)}
        tx.add(rows.an_order(number="LATELY", **delivered))
        long_ago = {**delivered, "accepted_at": lately - timedelta(days=200)}
        tx.add(rows.an_order(number="LONG-AGO", **long_ago))
        answered = {"state": OfferState.REJECTED, "offered_at": lately, "answered_at": lately}
        tx.add(rows.an_offer(**answered, deadline=lately + timedelta(hours=2)))

    migrate(empty_database_url)

    with database.session() as tx:
        counted = records(tx)
        vendor_records.refresh(tx, datetime.now(UTC))
        assert records(tx) == counted
    assert len(counted) == 2
    assert (counted[0].timed, counted[0].delivery_seconds, counted[0].offers) == (1, 30 * 3600, 1)
    database.dispose()


def test_decisions_come_forward_with_their_candidates_and_go_back(empty_database_url: str) -> None:
    migrate(empty_database_url, "0007")
    database = Database(empty_database_url)
    best, other = {"vendor": "VEN001", "totalHundredths": 9_000}, {"vendor": "VEN002", "totalHundredths": 8_000}
    candidates = [[best, other], [], [best]]
    with database.session() as tx:
        rows.add_a_small_business(tx)
        tx.add(rows.an_order())
        tx.flush()
        for number, found in enumerate(candidates):
            tx.execute(OLD_DECISION, {"job": f"routing-{number}", "candidates": dump_json(found)})

    migrate(empty_database_url)

    with database.session() as tx:
        assert tx.scalars(select(RoutingDecision.candidates).order_by(RoutingDecision.id)).all() == candidates
    with database.engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0007")
        stored = connection.execute(text("select candidates from routing_decisions order by id")).scalars()
        assert [load_json(each) if isinstance(each, str) else each for each in stored] == candidates
    database.dispose()


def test_vendors_come_forward_with_the_totals_of_their_completed_orders(empty_database_url: str) -> None:
    migrate(empty_database_url, "0008")
    database = Database(empty_database_url)
    with database.session() as tx:
        rows.add_a_small_business(tx)
        done = rows.COMPLETED | {"imported": True}
        tx.add_all([rows.an_order(number=f"OLD{i}", **done) for i in range(2)])
        tx.add(rows.an_order(number="ON-ITS-WAY", **rows.DELIVERED))

    migrate(empty_database_url)

    with database.session() as tx:
        vendors = select(Vendor.completed_orders, Vendor.completed_value_paisa).order_by(Vendor.id)
        assert tx.execute(vendors).all()[:2] == [(2, 226_00), (0, 0)]
    database.dispose()


def records(tx: Session) -> list[Any]:
    columns = [column for column in VendorRecord.__table__.columns if column.name != "as_of"]
    return list(tx.execute(select(*columns).order_by(VendorRecord.vendor_id)))


def test_the_engine_alone_can_be_gone_back_to_and_the_business_built_again(
    database: Database, database_url: str
) -> None:
    with database.engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    assert not inspect(database.engine).has_table("credit_ledger")

    assert migrate(database_url) == newest_revision()


def a_message() -> WhatsAppMessage:
    return WhatsAppMessage(
        job_id="whatsapp-1",
        direction=Direction.OUTBOUND,
        phone="+9779800000000",
        provider="meta",
        type="GENERIC_MESSAGE",
        state=MessageState.SENDING,
        sending_at=NOW,
    )
