"""What operators see and do over HTTP, and the entries it leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.context import Gateway
from shared import audit
from shared.broker.connection import Scripts
from shared.queues import Queue


def actions(parts: Gateway) -> list[tuple[str, str]]:
    with parts.database.reader() as tx:
        entries = audit.actions(tx)
    return [(entry.action, entry.target) for entry in reversed(entries) if entry.actor != "test"]


def a_failed_job(operator: Any, parts: Gateway) -> str:
    """A job that a worker took and failed for good."""
    job_id: str = operator.send(options={"attempts": 1}).json["jobId"]
    fail(parts.broker.scripts, job_id)
    return job_id


def fail(scripts: Scripts, job_id: str) -> None:
    """What the engine stores for a job whose attempts are used up."""
    client = scripts.client
    prefix = "doko:{whatsapp-messages}:"
    client.zrem(prefix + "waiting", job_id)
    client.zadd(prefix + "failed", {job_id: 1})
    error = '{"type":"PermanentError","message":"no WhatsApp on +9779800000000","attempt":1,"at":1790000000000}'
    client.hset(f"{prefix}job:{job_id}", mapping={"state": "failed", "attempt": 1, "errors": error, "finished": 1})


def test_statistics_have_the_requirements_shape_for_every_queue(viewer: Any, operator: Any) -> None:
    operator.send()

    body = viewer.get("/queues/stats").json

    assert list(body) == list(Queue.__members__)
    whatsapp = body["WHATSAPP"]
    assert whatsapp["name"] == "whatsapp-messages"
    assert whatsapp["counts"]["waiting"] == 1
    assert {"waiting", "active", "completed", "failed", "delayed"} <= set(whatsapp["counts"])
    assert whatsapp["isPaused"] is False


def test_failed_jobs_come_with_count_total_and_a_masked_error(viewer: Any, operator: Any, parts: Gateway) -> None:
    job_id = a_failed_job(operator, parts)

    body = viewer.get("/queues/WHATSAPP/failed?start=0&end=10").json

    assert (body["count"], body["total"]) == (1, 1)
    assert body["jobs"][0]["id"] == job_id
    assert "9800000000" not in str(body)
    assert "data" not in body["jobs"][0]


def test_the_range_of_failed_jobs_is_inclusive(viewer: Any, operator: Any, parts: Gateway) -> None:
    for _ in range(3):
        a_failed_job(operator, parts)

    assert viewer.get("/queues/WHATSAPP/failed?start=0&end=1").json["count"] == 2
    assert viewer.get("/queues/WHATSAPP/failed?start=2&end=2").json["count"] == 1


@pytest.mark.parametrize("query", ["start=-1", "end=x", "start=1.5", "begin=0"])
def test_a_wrong_range_is_refused(viewer: Any, query: str) -> None:
    answer = viewer.get(f"/queues/WHATSAPP/failed?{query}")

    assert (answer.status_code, list(answer.json["errors"])) == (422, [query.partition("=")[0]])


def test_a_failed_job_is_retried_under_its_id(operator: Any, parts: Gateway) -> None:
    job_id = a_failed_job(operator, parts)

    answer = operator.post(f"/queues/WHATSAPP/jobs/{job_id}/retry")

    assert (answer.status_code, answer.json["job"]["state"]) == (200, "waiting")
    assert actions(parts) == [("job.retried", job_id)]


def test_retrying_a_job_that_has_not_failed_is_a_conflict_and_leaves_only_the_refusal(
    operator: Any, parts: Gateway
) -> None:
    job_id = operator.send().json["jobId"]

    answer = operator.post(f"/queues/WHATSAPP/jobs/{job_id}/retry")

    assert (answer.status_code, answer.json["code"]) == (409, "wrong_state")
    assert actions(parts) == [("action.refused", job_id)]


def test_retrying_a_job_whose_key_is_taken_names_the_holder(operator: Any, parts: Gateway) -> None:
    options = {"deduplicationKey": "k", "attempts": 1}
    failed = operator.send(options=options).json["jobId"]
    fail(parts.broker.scripts, failed)
    holder = operator.send(options=options).json["jobId"]

    answer = operator.post(f"/queues/WHATSAPP/jobs/{failed}/retry")

    assert (answer.status_code, answer.json["code"]) == (409, "deduplication_key_taken")
    assert holder in answer.json["errors"]["deduplicationKey"][0]


@pytest.mark.parametrize("job_id", ["whatsapp-nothing", "credit-1", "nonsense"])
def test_retrying_an_unknown_job_is_not_found(operator: Any, job_id: str) -> None:
    assert operator.post(f"/queues/WHATSAPP/jobs/{job_id}/retry").status_code == 404


def test_a_delayed_job_is_promoted(operator: Any, parts: Gateway) -> None:
    job_id = operator.send(options={"delay": 60000}).json["jobId"]

    answer = operator.post(f"/queues/WHATSAPP/jobs/{job_id}/promote", {"reason": "the shop waits"})

    assert answer.json["job"]["state"] == "waiting"
    assert actions(parts) == [("job.promoted", job_id)]
    assert operator.post(f"/queues/CREDIT_SCORE/jobs/{job_id}/promote").status_code == 404


def test_a_paused_queue_says_who_why_and_until_when(operator: Any, viewer: Any, parts: Gateway) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    answer = operator.post("/queues/WHATSAPP/pause", {"reason": "provider down", "until": until})

    assert answer.status_code == 200
    stats = viewer.get("/queues/stats").json["WHATSAPP"]
    assert stats["isPaused"] is True
    assert (stats["pause"]["by"], stats["pause"]["reason"]) == ("the operator", "provider down")
    assert stats["pause"]["until"][:16] == until[:16]
    assert actions(parts) == [("queue.paused", "WHATSAPP")]


def test_pausing_and_resuming_need_no_body(operator: Any, viewer: Any, parts: Gateway) -> None:
    assert operator.post("/queues/whatsapp/pause").status_code == 200
    assert operator.post("/queues/WHATSAPP/resume").status_code == 200
    assert viewer.get("/queues/stats").json["WHATSAPP"]["isPaused"] is False
    assert actions(parts) == [("queue.paused", "WHATSAPP"), ("queue.resumed", "WHATSAPP")]


def test_a_pause_can_not_end_in_the_past(operator: Any) -> None:
    answer = operator.post("/queues/WHATSAPP/pause", {"until": "2020-01-01T00:00:00Z"})

    assert answer.json["errors"] == {"until": ["must lie in the future"]}


def test_cleaning_removes_old_jobs_and_counts_them(admin: Any, operator: Any, parts: Gateway) -> None:
    a_failed_job(operator, parts)

    answer = admin.post("/queues/WHATSAPP/clean", {"gracePeriodHours": 24})

    assert answer.status_code == 200
    assert (answer.json["completed"], answer.json["failed"]) == (0, 1)
    assert actions(parts) == [("queue.cleaned", "WHATSAPP")]


@pytest.mark.parametrize("hours", [-1, "24", None, True, 10**9])
def test_a_wrong_grace_period_is_refused(admin: Any, hours: Any) -> None:
    answer = admin.post("/queues/WHATSAPP/clean", {"gracePeriodHours": hours})

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["gracePeriodHours"])


def test_a_job_shows_everything_but_personal_data(viewer: Any, operator: Any) -> None:
    body = viewer.get(f"/jobs/{operator.send().json['jobId']}").json

    assert {"id", "queue", "name", "state", "attempt", "attempts", "data", "result", "error", "progress"} <= set(body)
    assert {"createdAt", "startedAt", "finishedAt"} <= set(body)
    assert body["data"]["recipient"] == "***00"
    assert body["data"]["data"]["orderNumber"] == "ORD-2026-001"


def test_revealing_personal_data_takes_the_scope_and_leaves_an_entry(operator: Any, admin: Any, parts: Gateway) -> None:
    job_id = operator.send().json["jobId"]

    assert operator.get(f"/jobs/{job_id}?reveal=true").status_code == 403
    assert admin.get(f"/jobs/{job_id}?reveal=true").json["data"]["recipient"] == "+9779800000000"
    assert actions(parts) == [("access.refused", job_id), ("pii.revealed", job_id)]


def test_a_jobs_history_is_told_in_order(viewer: Any, operator: Any) -> None:
    job_id = operator.send(options={"delay": 60000}).json["jobId"]
    operator.post(f"/queues/WHATSAPP/jobs/{job_id}/promote")

    body = viewer.get(f"/jobs/{job_id}/events").json

    assert [event["event"] for event in body["events"]] == ["delayed", "promoted"]
    assert body["count"] == 2


def test_pages_of_jobs_meet_every_job_once(viewer: Any, operator: Any) -> None:
    sent = {operator.send().json["jobId"] for _ in range(5)}

    seen: list[str] = []
    cursor = ""
    while True:
        page = viewer.get(f"/jobs?queue=WHATSAPP&state=waiting&limit=2{cursor}").json
        seen += [job["id"] for job in page["jobs"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"

    assert sorted(seen) == sorted(sent)


@pytest.mark.parametrize("query", ["queue=NONE", "state=lost", "limit=0", "limit=201", "cursor=%2Bnonsense"])
def test_a_wrong_listing_is_refused(viewer: Any, query: str) -> None:
    answer = viewer.get(f"/jobs?{query}")

    assert (answer.status_code, list(answer.json["errors"])) == (422, [query.partition("=")[0]])


def test_an_unknown_queue_is_not_found_and_the_nearest_is_named(viewer: Any) -> None:
    answer = viewer.get("/queues/WHATSAP/failed")

    assert (answer.status_code, answer.json["code"]) == (404, "unknown_queue")
    assert "did you mean WHATSAPP" in answer.json["message"]


def test_an_unknown_job_is_not_found(viewer: Any) -> None:
    assert viewer.get("/jobs/whatsapp-nothing").json["code"] == "job_not_found"
    assert viewer.get("/jobs/whatsapp-nothing/events").status_code == 404


def test_an_undecodable_message_in_redis_is_shown_without_its_data(viewer: Any, operator: Any, parts: Gateway) -> None:
    job_id = operator.send().json["jobId"]
    parts.broker.scripts.client.hset(f"doko:{{whatsapp-messages}}:job:{job_id}", "msg", b"\xff|\xfe{")

    answer = viewer.get(f"/jobs/{job_id}")

    assert (answer.status_code, answer.json["data"]) == (200, {})


def test_a_job_is_explained_with_its_group_masked(viewer: Any, operator: Any, parts: Gateway) -> None:
    parts.store.set_limits(Queue.WHATSAPP, group_cap=1)
    first, second = (operator.send().json["jobId"] for _ in range(2))
    operator.post("/queues/WHATSAPP/pause", {"reason": "ask 9800000000"})

    answer = viewer.get(f"/jobs/{second}/explain")

    assert answer.status_code == 200
    assert (answer.json["state"], answer.json["position"], answer.json["estimatedStartAt"]) == ("waiting", None, None)
    by_code = {reason["code"]: reason for reason in answer.json["reasons"]}
    assert list(by_code) == ["paused", "no_worker", "group_turn"]
    assert by_code["paused"]["details"]["sinceAt"].endswith("Z")
    assert by_code["group_turn"]["details"]["inLine"] == first
    assert "9800000000" not in answer.text
    assert viewer.get("/jobs/whatsapp-nothing/explain").status_code == 404


def test_an_open_breaker_is_shown_as_a_pause_and_closed_by_an_operator(
    viewer: Any, operator: Any, parts: Gateway
) -> None:
    opened: Any = {"breaker": "open", "breaker_since": 1790000000000, "breaker_why": "no answer from 9800000000"}
    parts.broker.scripts.client.hset(
        "doko:{whatsapp-messages}:meta", mapping={**opened, "breaker_probe_at": 1790000030000, "breaker_opened": 1}
    )

    shown = viewer.get("/queues/stats").json["WHATSAPP"]
    closed = operator.post("/queues/WHATSAPP/breaker/close", {"reason": "the provider says that it is back"})

    assert (shown["isPaused"], shown["pause"]["by"]) == (True, "breaker")
    assert shown["breaker"] == {
        "state": "open",
        "since": "2026-09-21T14:13:20.000Z",
        "reason": "no answer from ***00",
        "nextProbeAt": "2026-09-21T14:13:50.000Z",
        "opened": 1,
    }
    assert "9800000000" not in str(shown)
    assert closed.status_code == 200
    assert actions(parts) == [("breaker.closed", "WHATSAPP")]
    after = viewer.get("/queues/stats").json["WHATSAPP"]
    assert (after["isPaused"], after["breaker"]["state"]) == (False, "closed")
