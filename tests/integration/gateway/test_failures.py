"""Failures in groups, jobs over time, and what a filter may say next, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.context import Gateway
from shared.broker.connection import connect
from shared.database.archive import Archiver
from shared.queues import Queue
from tests.kit.engine import RawWorker


def archive(parts: Gateway) -> None:
    Archiver(parts.database, connect(parts.settings.redis_url)).run_once()


def fail(parts: Gateway, message: str, *, kind: str = "Timeout", queue: Queue = Queue.WHATSAPP) -> str:
    worker = RawWorker(parts.broker.scripts, queue.value, "w1")
    job = worker.take()
    worker.finish(job, "failed", {"type": kind, "message": message})
    return job.id


def test_failures_are_grouped_by_what_their_errors_have_in_common(viewer: Any, operator: Any, parts: Gateway) -> None:
    for phone in ("9800000001", "9800000002", "9800000002"):
        operator.send(recipient=phone)
    operator.post("/credit/scores", {"retailerId": "RET001", "trigger": "manual", "options": {"delay": 0}})
    failed = [fail(parts, f"no answer from +977980000000{number}") for number in range(3)]
    fail(parts, "no such retailer", kind="Refused", queue=Queue.CREDIT_SCORE)
    archive(parts)

    body = viewer.get("/failures").json

    assert [(each["type"], each["count"], each["customers"]) for each in body["failures"]] == [
        ("Timeout", 3, 2),
        ("Refused", 1, 1),
    ]
    first = body["failures"][0]
    assert first["queues"] == {"WHATSAPP": 3}
    assert sorted(first["jobIds"]) == sorted(failed)
    assert first["firstSeenAt"] <= first["lastSeenAt"]
    assert "980000000" not in str(body)
    assert viewer.get("/failures?queue=CREDIT_SCORE").json["count"] == 1
    assert viewer.get("/failures?since=2090-01-01").json["failures"] == []


def test_the_jobs_of_a_group_are_found_by_its_fingerprint(viewer: Any, operator: Any, parts: Gateway) -> None:
    operator.send()
    operator.send()
    one = fail(parts, "no answer after 1 s")
    fail(parts, "another thing")
    archive(parts)
    groups = viewer.get("/failures").json["failures"]
    print_of_one = next(group["fingerprint"] for group in groups if group["jobIds"] == [one])

    found = viewer.get("/jobs", query_string={"filter": f"fingerprint:{print_of_one}"}).json["jobs"]

    assert [job["id"] for job in found] == [one]


@pytest.mark.parametrize("is_archived", [False, True])
def test_a_retried_job_is_no_failure_any_more(viewer: Any, operator: Any, parts: Gateway, *, is_archived: bool) -> None:
    operator.send()
    job_id = fail(parts, "no answer")
    if is_archived:
        archive(parts)
        assert viewer.get("/failures").json["count"] == 1
    operator.post(f"/queues/WHATSAPP/jobs/{job_id}/retry")
    archive(parts)

    assert viewer.get("/failures").json["count"] == 0
    fail(parts, "no answer")
    archive(parts)
    assert viewer.get("/failures").json["failures"][0]["count"] == 1


@pytest.mark.parametrize("query", ["since=yesterday", "queue=NONE", "limit=0", "x=1"])
def test_a_wrong_question_about_failures_is_refused(viewer: Any, query: str) -> None:
    assert viewer.get(f"/failures?{query}").status_code == 422


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 3),
        ("queue:whatsapp", 3),
        ("queue:credit", 0),
        ("state:failed", 1),
        ("state:waiting", 2),
        ("name:message", 3),
        ("phone:9800000001", 1),
        ("phone:9800000001,9800000002", 2),
        ("order:ORD-2026-001 attempt>0", 1),
    ],
)
def test_jobs_are_counted_over_time(viewer: Any, operator: Any, parts: Gateway, text: str, count: int) -> None:
    for phone in ("9800000001", "9800000002", "9800000003"):
        operator.send(recipient=phone)
    fail(parts, "no answer")
    archive(parts)

    body = viewer.get("/jobs/histogram", query_string={"filter": text, "buckets": 10}).json

    assert (body["count"], body["isComplete"]) == (count, True)
    assert sum(bucket["count"] for bucket in body["buckets"]) == count
    assert len(body["buckets"]) <= 10


def test_a_histogram_covers_the_stretch_it_is_asked_for(viewer: Any, operator: Any, parts: Gateway) -> None:
    operator.send()
    archive(parts)
    now = datetime.now(UTC)
    long_ago = {"from": (now - timedelta(days=2)).isoformat(), "to": (now - timedelta(days=1)).isoformat()}

    assert viewer.get("/jobs/histogram", query_string=long_ago).json["count"] == 0
    turned = {"from": long_ago["to"], "to": long_ago["from"]}
    assert viewer.get("/jobs/histogram", query_string=turned).json["errors"] == {"from": ["must lie before to"]}


@pytest.mark.parametrize(
    ("typed", "texts"),
    [
        ("sta", ["state:"]),
        ("queue:WHATSAPP st", ["state:"]),
        ("state:f", ["state:failed"]),
        ("-state:completed,f", ["-state:completed,failed"]),
        ("-si", []),
        ("queue:whats", ["queue:WHATSAPP"]),
        ("name:rep", ["name:report", "name:report-email"]),
        ("error:time", ["error:Timeout"]),
        ("since:1", ["since:15m", "since:1h"]),
        ("nothing:x", []),
        ("order:x", []),
    ],
)
def test_what_may_come_next_is_suggested(
    viewer: Any, operator: Any, parts: Gateway, typed: str, texts: list[str]
) -> None:
    operator.send()
    fail(parts, "no answer")
    archive(parts)

    found = viewer.get("/jobs/suggestions", query_string={"prefix": typed}).json["suggestions"]

    assert [each["text"] for each in found] == texts


def test_every_key_is_suggested_to_who_has_typed_nothing(viewer: Any) -> None:
    found = viewer.get("/jobs/suggestions").json["suggestions"]

    assert {"queue:", "state:", "order:", "since:"} <= {each["text"] for each in found}


def test_activity_counts_what_happened_in_the_last_minutes(viewer: Any, operator: Any, parts: Gateway) -> None:
    operator.send()
    operator.send()
    fail(parts, "no answer")
    archive(parts)

    body = viewer.get("/queues/activity?minutes=5").json

    whatsapp = body["queues"]["WHATSAPP"]
    assert (sum(whatsapp["created"]), sum(whatsapp["failed"]), sum(whatsapp["completed"])) == (2, 1, 0)
    assert len(whatsapp["created"]) == 5
    assert whatsapp["averageDurationMs"] == 7
    assert body["queues"]["CREDIT_SCORE"]["averageDurationMs"] is None
