"""Wrong states don't fit into the tables, whoever writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from shared.database import Database
from shared.database.base import Base
from shared.database.models import (
    ApiToken,
    ContactPreference,
    Direction,
    MessageState,
    OperatorLogEntry,
    OutboxJob,
    WhatsAppMessage,
)
from shared.queues import Queue

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def a_message(**changes: Any) -> WhatsAppMessage:
    values: dict[str, Any] = {"job_id": "whatsapp-1", "direction": Direction.OUTBOUND, "phone": "+9779800000000"}
    values |= {"provider": "meta", "type": "GENERIC_MESSAGE", "state": MessageState.SENDING, "sending_at": NOW}
    return WhatsAppMessage(**values | changes)


def a_token(**changes: Any) -> ApiToken:
    return ApiToken(**{"user_name": "sita", "role": "viewer", "token_hash": "a" * 64} | changes)


def an_outbox_job(**changes: Any) -> OutboxJob:
    values: dict[str, Any] = {"job_id": "whatsapp-1", "queue": Queue.WHATSAPP, "name": "message", "version": 1}
    return OutboxJob(**values | {"data": {}, "options": {}} | changes)


WRONG = {
    "sent without the provider's id": a_message(state=MessageState.SENT, sent_at=NOW),
    "sent without a time": a_message(state=MessageState.SENT, provider_id="wamid.1"),
    "read without a time": a_message(state=MessageState.READ, provider_id="wamid.1", sent_at=NOW),
    "failed without a time": a_message(state=MessageState.FAILED),
    "outbound without a job": a_message(job_id=None),
    "outbound that was received": a_message(state=MessageState.RECEIVED, provider_id="wamid.1", received_at=NOW),
    "inbound that is sending": a_message(direction=Direction.INBOUND, job_id=None),
    "a phone that is not E.164": a_message(phone="9800000000"),
    "a role that doesn't exist": a_token(role="root"),
    "a token instead of its hash": a_token(token_hash="doko_secret"),
    "a token that expires before it is made": a_token(created_at=NOW, expires_at=NOW - timedelta(days=1)),
    "a job that is published and refused": an_outbox_job(published_at=NOW, refused_at=NOW, refusal="bad"),
    "a refusal without a reason": an_outbox_job(refused_at=NOW),
    "a schema version of zero": an_outbox_job(version=0),
    "an action without grammar": OperatorLogEntry(actor="sita", action="pause", target="WHATSAPP"),
    "an action of nobody": OperatorLogEntry(actor="", action="queue.paused", target="WHATSAPP"),
    "a language that nobody writes": ContactPreference(phone="+1", language="fr"),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_state_is_refused(database: Database, name: str) -> None:
    row = _copy(WRONG[name])

    with pytest.raises(IntegrityError, match=r"(?i)check constraint"), database.session() as tx:
        tx.add(row)


@pytest.mark.parametrize("row", [a_message(), a_token(), an_outbox_job()], ids=["message", "token", "outbox"])
def test_the_rows_that_the_wrong_ones_come_from_are_right(database: Database, row: Base) -> None:
    with database.session() as tx:
        tx.add(_copy(row))


def test_a_providers_id_stands_for_one_message(database: Database) -> None:
    sent = {"state": MessageState.SENT, "provider_id": "wamid.1", "sent_at": NOW}

    with pytest.raises(IntegrityError), database.session() as tx:
        tx.add_all([a_message(**sent), a_message(job_id="whatsapp-2", **sent)])


def _copy(row: Base) -> Base:
    """The same row, fresh: each database gets its own."""
    columns = row.__mapper__.column_attrs.keys()
    return type(row)(**{name: row.__dict__[name] for name in columns if name in row.__dict__})
