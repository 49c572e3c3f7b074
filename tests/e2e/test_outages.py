"""Parts of the system that vanish: a killed worker, a Redis that is away, a database that is not as it should be."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from deploy.local.redis_server import RedisServer
from shared.database import Database
from tests.doubles.sentry_ingest import SentryIngest
from tests.doubles.whatsapp_answers import slow
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.doubles.whatsapp_webhooks import META_PATH, meta_batch, meta_status, post, signed_meta
from tests.e2e.conftest import MakeSystem
from tests.kit.system import ALL, APP_SECRET, message, to_meta, wait_until

pytestmark = pytest.mark.slow

SENT = "/whatsapp/messages"


def test_a_message_whose_worker_was_killed_after_the_provider_took_it_is_not_sent_twice(
    make_system: MakeSystem, sqlite_url: str, provider: WhatsAppDouble
) -> None:
    phone = "+9779800000201"
    settings = to_meta(provider) | {"WHATSAPP_RECEIPT_WAIT_MS": "60000", "WHATSAPP_TIMEOUT_MS": "25000"}
    system = make_system(sqlite_url, **settings)
    system.start(*ALL)
    provider.script(phone, slow(20))
    job_id = system.enqueue(SENT, message(phone))
    (taken,) = wait_until(lambda: provider.taken_by(job_id), lambda: "the provider took the message")

    system.processes["worker whatsapp"].kill()
    receipt = meta_status(taken.provider_id, "delivered", biz_opaque_callback_data=job_id)
    answer = post(system.url, META_PATH, signed_meta(meta_batch(statuses=[receipt]), APP_SECRET))
    assert answer.status_code == 200, answer.text
    system.start("worker whatsapp")

    job = system.wait_for(job_id)
    assert (job["state"], job["attempt"], job["stalls"]) == ("completed", 1, 1)
    assert job["result"]["providerMessageId"] == taken.provider_id
    assert "possibleDuplicate" not in job["result"]
    assert provider.taken_by(job_id) == [taken]
    assert [event["event"] for event in system.events(job_id)] == [
        "waiting",
        "active",
        "stalled",
        "active",
        "completed",
    ]
    system.wait_for_log(jobId=job_id, event="job.stalled", level="warning")


def test_without_redis_clients_are_told_and_nothing_breaks(
    make_system: MakeSystem, sqlite_url: str, provider: WhatsAppDouble, redis_server: RedisServer
) -> None:
    system = make_system(sqlite_url, **to_meta(provider))
    system.start(*ALL)
    before = system.enqueue(SENT, message("+9779800000202"))
    system.wait_for(before, "completed")

    redis_server.stop()
    refused = system.ask("POST", SENT, message("+9779800000203"))
    ready = httpx.get(f"{system.url}/readyz")
    alive = httpx.get(f"{system.url}/healthz")
    redis_server.start()
    after = system.ask("POST", SENT, message("+9779800000204"))

    assert refused.status_code == 503
    problem = refused.json()
    assert (problem["success"], problem["code"], problem["errors"]) == (False, "redis_unavailable", {})
    assert problem["message"].startswith("Redis can't be reached")
    assert refused.headers["Retry-After"] == "1"
    assert (ready.status_code, ready.json()["parts"]["redis"]["ready"]) == (503, False)
    assert ready.json()["parts"]["database"]["ready"] is True
    assert alive.status_code == 200
    assert after.status_code == 202, after.text
    assert system.wait_for(after.json()["jobId"])["state"] == "completed"
    assert system.job(before)["state"] == "completed"
    assert all(process.is_running for process in system.processes.values())
    assert httpx.get(f"{system.url}/readyz").status_code == 200
    assert provider.taken[-1].recipient == "+9779800000204"


def test_everything_may_start_before_redis(
    make_system: MakeSystem, sqlite_url: str, provider: WhatsAppDouble, redis_server: RedisServer
) -> None:
    redis_server.stop()
    system = make_system(sqlite_url, **to_meta(provider) | {"WHATSAPP_RECIPIENT_INTERVAL_MS": "700"})
    system.start(*ALL)
    system.wait_for_log(event="queue.unlimited")
    system.wait_for_log(event="redis.away")
    redis_server.start()
    system.wait_for_log(event="queue.limited")

    phone = "+9779800000206"
    ids = [system.enqueue(SENT, message(phone)) for _ in range(2)]

    jobs = [system.wait_for(job_id) for job_id in ids]
    assert [job["state"] for job in jobs] == ["completed", "completed"]
    # Redis paces the starts; when the provider hears of them depends on the machine too.
    first, second = sorted(datetime.fromisoformat(job["startedAt"]) for job in jobs)
    assert second - first >= timedelta(milliseconds=700), "one recipient's messages keep their pace"


def test_an_error_that_nobody_expected_reaches_sentry_once_and_scrubbed(
    make_system: MakeSystem, postgres_url: str, sentry: SentryIngest
) -> None:
    system = make_system(postgres_url, SENTRY_DSN=sentry.dsn)
    system.start("gateway")
    database = Database(postgres_url)
    with database.session() as tx:
        tx.execute(text("drop table operator_log"))
    database.dispose()

    answer = system.ask("POST", "/queues/WHATSAPP/pause", {"reason": "Asha at +9779800000205 complained"})

    assert answer.status_code == 500
    assert (answer.json()["code"], answer.json()["errors"]) == ("internal", {})
    assert "operator_log" not in answer.text
    (event,) = sentry.wait_for_events(1)
    assert event["exception"]["values"][-1]["type"] == "ProgrammingError"
    assert set(event["request"]) == {"method", "url"}
    (line,) = system.wait_for_log(requestId=answer.json()["requestId"], event="http.request")
    assert (line["level"], line["status"]) == ("error", 500)
    (told,) = system.wait_for_log(requestId=answer.json()["requestId"], logger="gateway")
    assert told["error"]["type"] == "ProgrammingError"
    logs = "".join(file.read_text() for file in system.log_dir.glob("*.log"))
    for personal in ("Asha", "9800000205"):
        assert personal.encode() not in sentry.raw, personal
        assert personal not in logs, personal
    system.close()
    assert len(sentry.events) == 1
