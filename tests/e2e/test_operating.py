"""What clients and operators do over HTTP: the same job once, pause and resume, cancel, counts, tokens."""

from __future__ import annotations

import threading
import time

import pytest

from tests.doubles.whatsapp_answers import meta_error, slow
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.kit.system import Json, System, message, wait_until

pytestmark = pytest.mark.slow

SENT = "/whatsapp/messages"


def test_a_deduplication_key_lets_one_unfinished_job_in(system: System, provider: WhatsAppDouble) -> None:
    body = message("+9779800000101", deduplicate=True, deduplicationKey="order-confirmation-ORD-2026-001")
    system.ask("POST", "/queues/WHATSAPP/pause")

    first, second = (system.ask("POST", SENT, body).json() for _ in range(2))
    system.ask("POST", "/queues/WHATSAPP/resume")

    assert (first["deduplicated"], second["deduplicated"]) == (False, True)
    assert second["jobId"] == first["jobId"]
    assert system.wait_for(first["jobId"])["state"] == "completed"
    third = system.ask("POST", SENT, body).json()
    assert third["deduplicated"] is False
    assert third["jobId"] != first["jobId"]
    assert system.wait_for(third["jobId"])["state"] == "completed"
    assert len([each for each in provider.taken if each.recipient == "+9779800000101"]) == 2


def test_an_idempotency_key_gets_the_same_answer_after_the_job_finished(
    system: System, provider: WhatsAppDouble
) -> None:
    body, key = message("+9779800000102"), {"Idempotency-Key": "request-7"}
    first = system.ask("POST", SENT, body, headers=key)
    system.wait_for(first.json()["jobId"], "completed")

    again = system.ask("POST", SENT, body, headers=key)
    other = system.ask("POST", SENT, message("+9779800000103"), headers=key)

    assert (again.status_code, again.json()["jobId"]) == (202, first.json()["jobId"])
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")
    assert len([each for each in provider.taken if each.recipient == "+9779800000102"]) == 1


def test_a_paused_queue_takes_jobs_in_and_delivers_none_until_it_is_resumed(
    system: System, provider: WhatsAppDouble
) -> None:
    paused = system.ask("POST", "/queues/WHATSAPP/pause", {"reason": "the provider's maintenance"})
    assert paused.status_code == 200
    job_id = system.enqueue(SENT, message("+9779800000104"))

    # A worker that took it would do so within milliseconds.
    time.sleep(0.5)
    stats = system.get("/queues/stats")["WHATSAPP"]

    assert (stats["isPaused"], stats["pause"]["reason"]) == (True, "the provider's maintenance")
    assert stats["counts"]["waiting"] == 1
    assert system.job(job_id)["state"] == "waiting"
    assert provider.taken_by(job_id) == []

    system.ask("POST", "/queues/WHATSAPP/resume")

    assert system.wait_for(job_id)["state"] == "completed"
    assert system.get("/queues/stats")["WHATSAPP"]["isPaused"] is False


def test_a_running_job_is_cancelled_promptly(system: System, provider: WhatsAppDouble) -> None:
    phone = "+9779800000105"
    provider.script(phone, slow(3))
    job_id = system.enqueue(SENT, message(phone))
    wait_until(lambda: provider.taken_by(job_id), lambda: "the provider was asked")
    asked = time.monotonic()

    answer = system.ask("DELETE", f"/jobs/{job_id}?reason=wrong+number")

    assert answer.status_code == 200, answer.text
    job = system.wait_for(job_id)
    assert job["state"] == "cancelled"
    # A thread in a system call can't be interrupted: it ends with the provider's answer, and no later.
    assert time.monotonic() - asked < 20
    assert [event["event"] for event in system.events(job_id)][-1] == "cancelled"
    assert system.ask("DELETE", f"/jobs/{job_id}").status_code == 409


def test_a_waiting_job_is_cancelled_at_once_and_never_sent(system: System, provider: WhatsAppDouble) -> None:
    job_id = system.enqueue(SENT, message("+9779800000106", delay=60_000))

    answer = system.ask("DELETE", f"/jobs/{job_id}")

    assert answer.json()["job"]["state"] == "cancelled"
    assert provider.taken_by(job_id) == []


def test_the_counts_follow_the_jobs_in_the_shape_of_the_requirement(system: System, provider: WhatsAppDouble) -> None:
    before = system.counts()
    provider.script("+9779800000107", meta_error(131026))
    provider.script("+9779800000108", slow(1.5))
    done = system.enqueue(SENT, message("+9779800000109"))
    failed = system.enqueue(SENT, message("+9779800000107"))
    for job_id in (done, failed):
        system.wait_for(job_id)
    system.enqueue(SENT, message("+9779800000110", delay=60_000))
    running = system.enqueue(SENT, message("+9779800000108"))
    wait_until(lambda: provider.taken_by(running), lambda: "the provider was asked")

    stats = system.get("/queues/stats")

    assert list(stats) == [
        "WHATSAPP",
        "CREDIT_SCORE",
        "ORDER_ROUTING",
        "PAYMENT_REMINDERS",
        "REPORT_GENERATION",
        "ORDER_PROCESSING",
    ]
    assert stats["WHATSAPP"]["name"] == "whatsapp-messages"
    assert stats["WHATSAPP"]["isPaused"] is False
    assert changes(before, stats["WHATSAPP"]["counts"]) == {"active": 1, "completed": 1, "failed": 1, "delayed": 1}
    system.wait_for(running)
    assert changes(before, system.counts()) == {"completed": 2, "failed": 1, "delayed": 1}


def changes(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {state: after[state] - count for state, count in before.items() if after[state] != count}


def test_a_viewer_looks_and_does_nothing_and_a_revoked_token_is_refused(system: System) -> None:
    viewer = system.create_token("viewer", "bina")

    assert system.ask("GET", "/queues/stats", token=viewer).status_code == 200
    for method, path, scope, body in (
        ("POST", SENT, "jobs:write", message("+9779800000111")),
        ("POST", "/queues/WHATSAPP/pause", "queues:operate", None),
        ("POST", "/queues/WHATSAPP/clean", "queues:admin", {"gracePeriodHours": 24}),
        ("DELETE", "/jobs/whatsapp-1", "jobs:write", None),
    ):
        answer = system.ask(method, path, body, token=viewer)
        assert answer.status_code == 403, path
        assert answer.json()["errors"] == {"scope": [f"{scope} is missing"]}

    assert f"Token {viewer.id} is revoked" in system.doko("tokens", "revoke", viewer.id)
    wait_until(
        lambda: system.ask("GET", "/queues/stats", token=viewer).status_code == 401,
        lambda: "the revoked token is refused",
        seconds=20,  # 10 s are promised; the rest is for a busy machine
    )


def test_clients_of_one_key_at_once_get_one_job(system: System, provider: WhatsAppDouble) -> None:
    body = message("+9779800000112", deduplicate=True, deduplicationKey="at-once", delay=300)
    answers: list[Json] = []
    threads = [threading.Thread(target=lambda: answers.append(system.ask("POST", SENT, body).json())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (job_id,) = {answer["jobId"] for answer in answers}
    assert [answer["deduplicated"] for answer in answers].count(False) == 1
    assert system.wait_for(job_id)["state"] == "completed"
    assert len(provider.taken_by(job_id)) == 1
