"""The requirement's WhatsApp example, from the HTTP request to the customer's phone and into the archive."""

from __future__ import annotations

import pytest
import redis

from shared.broker import keys
from shared.database import Database
from shared.database.models.whatsapp import MessageState, WhatsAppMessage
from shared.database.send_records import find
from shared.queues import Queue
from tests.doubles.whatsapp_provider import META_TOKEN, WhatsAppDouble
from tests.doubles.whatsapp_webhooks import META_PATH, meta_batch, meta_status, post, signed_meta
from tests.e2e.conftest import MakeSystem
from tests.kit.system import ALL, APP_SECRET, EXAMPLE, System, to_meta, wait_until

pytestmark = pytest.mark.slow

PHONE = "+9779800000000"
VALUES = ["ORD-2026-001", "Rice 1 kg: 10 × Rs. 150.00", "Rs. 1,500.00"]
TEXT = (
    "Your order ORD-2026-001 is confirmed. Items: Rice 1 kg: 10 × Rs. 150.00. Total: Rs. 1,500.00. "
    "We will let you know when it is on its way."
)


def test_the_example_is_accepted_delivered_shown_and_archived(
    make_system: MakeSystem, database_url: str, provider: WhatsAppDouble, redis_client: redis.Redis
) -> None:
    system = make_system(database_url, **to_meta(provider))
    system.start(*ALL)

    job_id = accepted(system)

    job = system.wait_for(job_id)
    delivered(provider, job_id)
    shown(job, job_id)
    happened(system, job_id)
    archived(system, job_id, redis_client)
    received(system, job_id, provider, database_url)


def accepted(system: System) -> str:
    answer = system.ask("POST", "/whatsapp/messages", EXAMPLE)
    assert answer.status_code == 202
    job_id = str(answer.json()["jobId"])
    assert answer.json() == {
        "success": True,
        "message": "Processing",
        "jobId": job_id,
        "queue": "WHATSAPP",
        "state": "waiting",
        "deduplicated": False,
    }
    assert answer.headers["Location"] == f"/api/v1/jobs/{job_id}"
    return job_id


def delivered(provider: WhatsAppDouble, job_id: str) -> None:
    (request,) = [each for each in provider.requests if each.body.get("biz_opaque_callback_data") == job_id]
    assert request.headers["Authorization"] == f"Bearer {META_TOKEN}"
    assert request.body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": PHONE,
        "biz_opaque_callback_data": job_id,
        "type": "template",
        "template": {
            "name": "order_confirmation",
            "language": {"code": "en"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": value} for value in VALUES]}],
        },
    }


def shown(job: dict[str, object], job_id: str) -> None:
    assert (job["state"], job["attempt"], job["attempts"], job["error"]) == ("completed", 1, 3, None)
    assert isinstance(job["result"], dict)
    assert next(iter(job["result"].items())) == ("success", True)
    assert job["result"]["providerMessageId"] is not None
    assert isinstance(job["data"], dict)
    assert job["data"]["recipient"] == "***00"
    assert job["data"]["data"]["orderNumber"] == "ORD-2026-001"
    assert job["id"] == job_id


def happened(system: System, job_id: str) -> None:
    events = system.events(job_id)
    assert [event["event"] for event in events] == ["waiting", "active", "completed"]
    assert events[2]["duration"] >= 0
    system.wait_for_log(3, jobId=job_id)
    for file, names in (("gateway", ["waiting"]), ("worker-whatsapp", ["active", "completed"])):
        told = [(line["event"], line["level"], line["message"]) for line in system.log_lines(file, jobId=job_id)]
        assert told == [(f"job.{name}", "info", f"Job {job_id} {name} in queue whatsapp-messages") for name in names]


def archived(system: System, job_id: str, client: redis.Redis) -> None:
    """Everything about the job is the same when Redis knows nothing of it any more."""
    job, events = system.job(job_id), system.events(job_id)
    queue = Queue.WHATSAPP.value
    wait_until(lambda: client.xlen(keys.events(queue)) == 0, lambda: "the archiver moved all events")
    client.delete(keys.job(queue, job_id))

    again = system.job(job_id)

    assert system.events(job_id) == events
    forgotten = {name for name in job if again[name] != job[name]}
    assert forgotten <= {"worker"}, {name: (job[name], again[name]) for name in forgotten}


def received(system: System, job_id: str, provider: WhatsAppDouble, database_url: str) -> None:
    """Receipts that Meta signed move the message on; unsigned ones change nothing."""
    (taken,) = provider.taken_by(job_id)
    batch = meta_batch(
        statuses=[meta_status(taken.provider_id, state, biz_opaque_callback_data=job_id) for state in ("sent", "read")]
    )
    database = Database(database_url)
    try:
        forged = post(system.url, META_PATH, signed_meta(batch, "another secret"))
        assert forged.status_code == 401
        assert record(database, job_id).state is MessageState.SENT

        answer = post(system.url, META_PATH, signed_meta(batch, APP_SECRET))

        assert answer.status_code == 200, answer.text
        message = record(database, job_id)
        assert (message.state, message.provider_id, message.body) == (MessageState.READ, taken.provider_id, TEXT)
        assert (message.phone, message.template, message.possible_duplicate) == (PHONE, "order_confirmation", False)
    finally:
        database.dispose()


def record(database: Database, job_id: str) -> WhatsAppMessage:
    with database.session() as tx:
        found = find(tx, job_id)
        assert found is not None
        tx.expunge(found)
        return found


def test_without_a_provider_the_message_is_printed_and_stored(
    make_system: MakeSystem, sqlite_url: str, redis_client: redis.Redis
) -> None:
    system = make_system(sqlite_url)
    system.start("gateway", "worker whatsapp")

    job_id = system.enqueue("/whatsapp/messages", EXAMPLE)

    job = system.wait_for(job_id)
    assert job["result"] == {
        "success": True,
        "provider": "console",
        "providerMessageId": f"console-{job_id}",
        "kind": "template",
    }
    assert f"WhatsApp template to {PHONE} ({job_id})\n│ {TEXT}\n" in system.processes["worker whatsapp"].output
    database = Database(sqlite_url)
    assert record(database, job_id).state is MessageState.SENT
    database.dispose()
