"""Bulk operations over HTTP: what may be asked for, what a dry run says, who may do it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from gateway.bulk.acting import Actor
from gateway.bulk.runner import BulkRunner
from gateway.context import Gateway
from shared import audit
from shared.broker.connection import connect
from shared.database.archive import Archiver
from shared.database.models import BulkItem
from shared.job_removal import JobRemoval
from shared.queues import Queue
from tests.kit.engine import RawWorker


def fail(parts: Gateway, count: int) -> None:
    worker = RawWorker(parts.broker.scripts, Queue.WHATSAPP.value, "w1")
    for job in worker.fetch(count):
        worker.finish(job, "failed", {"type": "Timeout", "message": "no answer"})


def run(parts: Gateway) -> None:
    """What the scheduler does."""
    actor = Actor(parts.store, JobRemoval(parts.broker.scripts.client), parts.broker)
    runner = BulkRunner(parts.database, parts.store.finder, actor)
    while runner.run_once():
        pass


def start(caller: Any, action: str = "retry", text: str = "state:failed", **more: Any) -> Any:
    return caller.post("/bulk", {"action": action, "filter": text, "reason": "test", **more})


def test_a_dry_run_counts_and_touches_nothing(operator: Any, viewer: Any, parts: Gateway) -> None:
    sent = [operator.send(options={"deduplicationKey": f"k{number}"}).json["jobId"] for number in range(3)]
    fail(parts, 3)
    holder = operator.send(options={"deduplicationKey": "k0"}).json["jobId"]

    body = start(operator, "retry", "queue:whatsapp", dryRun=True).json

    trial = body["trial"]
    assert body["message"] == "Would retry 3 jobs"
    assert body["operation"] is None
    assert (trial["matched"], trial["isComplete"]) == (3, True)
    assert (trial["states"], trial["queues"]) == ({"failed": 3}, {"WHATSAPP": 3})
    assert trial["refused"] == [{"why": "another job holds its deduplication key", "count": 1}]
    assert {job["id"] for job in trial["sample"]} == set(sent)
    assert viewer.get("/bulk").json["operations"] == []
    assert holder not in sent


def test_an_operation_runs_and_is_shown_with_what_was_refused(operator: Any, viewer: Any, parts: Gateway) -> None:
    for key in ("a", "b"):
        operator.send(options={"deduplicationKey": key})
    fail(parts, 2)
    operator.send(options={"deduplicationKey": "a"})

    body = start(operator, perMinute=60_000).json
    run(parts)

    shown = viewer.get(f"/bulk/{body['operation']['id']}").json
    assert (shown["state"], shown["expected"], shown["done"], shown["refused"]) == ("completed", 2, 1, 1)
    assert shown["requestedBy"] == "the operator"
    assert "holds the deduplication key" in shown["problems"][0]["why"]
    assert shown["finishedAt"] is not None
    assert viewer.get("/bulk").json["operations"][0]["id"] == shown["id"]
    with parts.database.reader() as tx:
        (entry,) = audit.actions(tx, action=audit.OperatorAction.BULK_STARTED)
    assert (entry.target, entry.why, entry.details["matched"]) == ("state:failed", "test", 2)


def test_a_removal_is_undone_within_an_hour(operator: Any, viewer: Any, parts: Gateway) -> None:
    job_id = operator.send().json["jobId"]
    number = start(operator, "remove", "phone:9800000000").json["operation"]["id"]
    assert operator.post(f"/bulk/{number}/undo").status_code == 409
    run(parts)
    assert viewer.get(f"/jobs/{job_id}").status_code == 404
    assert viewer.get(f"/bulk/{number}").json["restorable"] == 1
    assert "9800000000" not in str(viewer.get(f"/bulk/{number}").json)

    assert operator.post(f"/bulk/{number}/undo", {"reason": "oops"}).json["operation"]["state"] == "undoing"
    run(parts)

    assert viewer.get(f"/jobs/{job_id}").json["state"] == "waiting"
    assert viewer.get(f"/bulk/{number}").json["restored"] == 1
    Archiver(parts.database, connect(parts.settings.redis_url)).run_once()
    assert [each["event"] for each in viewer.get(f"/jobs/{job_id}/events").json["events"]] == [
        "waiting",
        "removed",
        "restored",
    ]


def test_a_removal_is_for_good_after_an_hour(operator: Any, parts: Gateway) -> None:
    operator.send()
    number = start(operator, "remove", "state:waiting").json["operation"]["id"]
    run(parts)
    with parts.database.session() as tx:
        tx.execute(update(BulkItem).values(at_ms=BulkItem.at_ms - 3_600_001))

    answer = operator.post(f"/bulk/{number}/undo")

    assert (answer.status_code, answer.json["code"]) == (409, "too_late")


def test_a_stopped_operation_says_who_stopped_it_and_why(operator: Any, viewer: Any, parts: Gateway) -> None:
    operator.send()
    fail(parts, 1)
    number = start(operator).json["operation"]["id"]

    operator.post(f"/bulk/{number}/stop", {"reason": "wrong filter"})
    run(parts)

    shown = viewer.get(f"/bulk/{number}").json
    assert (shown["state"], shown["done"]) == ("stopped", 0)
    assert shown["stopReason"] == "stopped by the operator: wrong filter"
    assert operator.post(f"/bulk/{number}/stop").status_code == 409


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"text": ""}, "filter", "an empty one would mean every job"),
        ({"text": "state:waiting"}, "filter", "retry is for jobs that are failed"),
        ({"text": "stat:x"}, "filter", "did you mean state:?"),
        ({"action": "remove", "text": "state:active"}, "filter", "asks for jobs that are active"),
        ({"action": "move"}, "queue", "is required: where to move the jobs"),
        ({"queue": "CREDIT_SCORE"}, "queue", "is only for the action move"),
        ({"action": "move", "queue": "CREDIT_SCORE"}, "queue", "runs credit-score-calculation only"),
        ({"action": "burn"}, "action", "must be one of"),
        ({"perMinute": 0}, "perMinute", "must be"),
        ({"maxErrorRate": 2}, "maxErrorRate", "must be a number from 0 to 1"),
        ({"reason": ""}, "reason", ""),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_rule(
    operator: Any, changes: dict[str, Any], field: str, words: str
) -> None:
    answer = start(operator, **changes)

    assert answer.status_code == 422
    assert words in answer.json["errors"][field][0]


def test_an_unknown_operation_is_not_found(viewer: Any, operator: Any) -> None:
    for answer in (viewer.get("/bulk/99"), operator.post("/bulk/99/stop"), operator.post("/bulk/99/undo")):
        assert (answer.status_code, answer.json["code"]) == (404, "unknown_operation")
