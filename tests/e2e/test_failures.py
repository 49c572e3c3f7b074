"""Attempts that fail: retried with backoff, logged, listed, run again by an operator, reported to Sentry once."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise

import pytest

from shared.database import Database
from shared.database.models.whatsapp import ContactPreference
from tests.doubles.sentry_ingest import SentryIngest
from tests.doubles.whatsapp_answers import http_error, meta_error
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.e2e.conftest import MakeSystem
from tests.kit.system import ALL, Json, System, message, to_meta, wait_until

pytestmark = pytest.mark.slow

BROKEN = http_error(500)
REFUSED_FOR_NOW = meta_error(2, is_transient=True)
UNREACHABLE = meta_error(131026)


def test_two_server_errors_are_retried_after_two_and_four_seconds(system: System, provider: WhatsAppDouble) -> None:
    phone = "+9779800000001"
    provider.script(phone, BROKEN, BROKEN)

    job_id = system.enqueue("/whatsapp/messages", message(phone))

    job = system.wait_for(job_id)
    assert (job["state"], job["attempt"]) == ("completed", 3)
    assert [(error["attempt"], error["type"]) for error in job["errors"]] == [
        (1, "TransientError"),
        (2, "TransientError"),
    ]
    events = system.events(job_id)
    assert attempts(events) == [
        ("waiting", None),
        ("active", 1),
        ("delayed", 1),
        ("waiting", None),
        ("active", 2),
        ("delayed", 2),
        ("waiting", None),
        ("active", 3),
        ("completed", 3),
    ]
    assert [event["delay"] for event in events if event["event"] == "delayed"] == [2000, 4000]
    first, second = waits(events)
    assert first >= 2.0
    assert second >= 4.0


def attempts(events: list[Json]) -> list[tuple[str, int | None]]:
    return [(event["event"], event.get("attempt")) for event in events]


def waits(events: list[Json]) -> list[float]:
    """From each failed attempt until the job waits for the next one, in seconds."""
    at = [(event["event"], datetime.fromisoformat(event["at"])) for event in events]
    return [(later - failed).total_seconds() for (event, failed), (_, later) in pairwise(at) if event == "delayed"]


def test_every_failed_attempt_and_the_success_are_lines_as_the_requirement_shows(
    system: System, provider: WhatsAppDouble
) -> None:
    phone = "+9779800000002"
    provider.script(phone, REFUSED_FOR_NOW, REFUSED_FOR_NOW)
    backoff = {"type": "fixed", "delay": 50}

    job_id = system.enqueue("/whatsapp/messages", message(phone, backoff=backoff))

    assert system.wait_for(job_id)["state"] == "completed"
    first, second = system.wait_for_log(2, jobId=job_id, event="job.failed")
    for line, attempt in ((first, 1), (second, 2)):
        assert line["message"] == f"Job {job_id} failed in queue whatsapp-messages"
        assert (line["level"], line["attempt"], line["attempts"]) == ("warning", attempt, 3)
        assert (line["willRetry"], line["retryInMs"]) == (True, 50)
        assert line["error"] == "TransientError"
    (done,) = system.wait_for_log(jobId=job_id, event="job.completed")
    assert {name: done[name] for name in ("level", "message")} == {
        "level": "info",
        "message": f"Job {job_id} completed in queue whatsapp-messages",
    }
    assert isinstance(done["duration"], int)
    assert done["result"]["success"] is True
    assert nothing_else_is_logged(system, job_id, phone)


def nothing_else_is_logged(system: System, job_id: str, phone: str) -> bool:
    """No traceback, no second line of Dramatiq's about a failure, no phone; `grep "Job"` finds the job's lines."""
    texts = [file.read_text() for file in system.log_dir.glob("combined-*.log")]
    lines = [line for text in texts for line in text.splitlines()]
    assert not [line for line in lines if "Traceback" in line or phone[1:] in line]
    found = [line for line in lines if re.search("Job", line) and job_id in line]
    assert len(found) == len([line for line in lines if job_id in line and '"event":"job.' in line])
    worker_lines = [line for line in system.log_lines(jobId=job_id) if "status" not in line]
    assert {line["event"] for line in worker_lines} == {"job.waiting", "job.active", "job.failed", "job.completed"}
    return True


def test_a_failed_job_is_listed_and_retried_by_an_operator(system: System, provider: WhatsAppDouble) -> None:
    phone = "+9779800000003"
    provider.script(phone, UNREACHABLE)
    operator = system.create_token("operator")
    job_id = system.enqueue("/whatsapp/messages", message(phone))
    failed = system.wait_for(job_id)
    assert (failed["state"], failed["attempt"]) == ("failed", 1)
    assert failed["error"]["type"] == "PermanentError"

    listed = system.get("/queues/WHATSAPP/failed?start=0&end=10")

    (found,) = [job for job in listed["jobs"] if job["id"] == job_id]
    assert listed["total"] >= listed["count"] >= 1
    assert "131026" in found["error"]["message"]
    assert "data" not in found

    retried = system.ask("POST", f"/queues/WHATSAPP/jobs/{job_id}/retry", token=operator)

    assert retried.status_code == 200, retried.text
    job = system.wait_for(job_id, "completed")
    assert job["attempt"] == 1
    assert len(provider.taken_by(job_id)) == 1
    events = system.events(job_id)
    assert [event["event"] for event in events] == ["waiting", "active", "failed", "retried", "active", "completed"]
    assert events[3]["by"] == "asha"
    assert system.ask("POST", f"/queues/WHATSAPP/jobs/{job_id}/retry", token=operator).status_code == 409


def test_a_failed_job_that_redis_has_forgotten_is_shown_and_retried(
    make_system: MakeSystem, sqlite_url: str, provider: WhatsAppDouble
) -> None:
    system = make_system(sqlite_url, **to_meta(provider), WHATSAPP_KEEP_FAILED="0", WHATSAPP_KEEP_COMPLETED="0")
    system.start(*ALL)
    phone = "+9779800000020"
    provider.script(phone, UNREACHABLE)
    job_id = system.enqueue("/whatsapp/messages", message(phone))

    # Redis keeps none, and the archiver comes a moment later: the job is known all the time.
    assert system.wait_for(job_id)["state"] == "failed"
    assert system.get("/queues/WHATSAPP/failed")["total"] == 0
    retried = system.ask("POST", f"/queues/WHATSAPP/jobs/{job_id}/retry")

    assert retried.status_code == 200, retried.text
    wait_until(lambda: provider.taken_by(job_id), lambda: "the message is delivered")
    system.wait_for(job_id, "completed")
    names = [event["event"] for event in system.events(job_id) if event["event"] != "removed"]
    # A job that Redis knows would be "retried"; this one comes back as a new record.
    assert names == ["waiting", "active", "failed", "retried", "active", "completed"]


def test_sentry_gets_one_event_for_a_final_failure_and_none_for_retries_and_refusals(
    make_system: MakeSystem, sqlite_url: str, provider: WhatsAppDouble, sentry: SentryIngest
) -> None:
    system = make_system(sqlite_url, **to_meta(provider), SENTRY_DSN=sentry.dsn)
    system.start("gateway", "worker whatsapp")
    retried, exhausted, permanent, stopped, late = (f"+977980000001{number}" for number in range(5))
    provider.script(retried, REFUSED_FOR_NOW)
    provider.script(exhausted, *[REFUSED_FOR_NOW] * 3)
    provider.script(permanent, meta_error(100, details=f"Namaste {permanent}"))
    opt_out(sqlite_url, stopped)
    backoff = {"type": "fixed", "delay": 10}
    text = {"message": "Namaste Asha, your rice is here"}

    bodies = [
        *(message(phone, backoff=backoff) for phone in (retried, exhausted, permanent)),
        # Who said STOP gets no such message; outside the window a free text has no template and fails.
        *({"type": "GENERIC_MESSAGE", "recipient": phone, "data": text} for phone in (stopped, late)),
    ]
    ids = [system.enqueue("/whatsapp/messages", body) for body in bodies]
    jobs = [system.wait_for(job_id) for job_id in ids]

    assert [job["state"] for job in jobs] == ["completed", "failed", "failed", "failed", "failed"]
    assert jobs[3]["error"]["type"] == "Refused"
    assert system.stop("worker whatsapp") == 0
    events = {event["tags"]["jobId"]: event["tags"] for event in sentry.wait_for_events(3)}
    assert len(sentry.events) == 3
    assert {job_id: tags["attempt"] for job_id, tags in events.items()} == {ids[1]: "3", ids[2]: "1", ids[4]: "1"}
    assert {tags["queue"] for tags in events.values()} == {"whatsapp-messages"}
    for personal in (exhausted[4:], permanent[4:], late[4:], "Asha", "Namaste", "rice", "Rice"):
        assert personal.encode() not in sentry.raw, personal


def opt_out(database_url: str, phone: str) -> None:
    database = Database(database_url)
    with database.session() as tx:
        tx.add(ContactPreference(phone=phone, opted_out=True))
    database.dispose()
