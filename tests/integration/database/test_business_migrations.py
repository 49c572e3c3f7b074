"""The business came after the engine: its revisions run on a database that is in use."""

from __future__ import annotations

from datetime import UTC, datetime

from alembic import command
from sqlalchemy import inspect, select

from shared.database import Database
from shared.database.migrate import _config, migrate, newest_revision
from shared.database.models import Direction, MessageState, OutboxJob, Retailer, WhatsAppMessage
from shared.queues import Queue

NOW = datetime(2026, 11, 24, tzinfo=UTC)


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
