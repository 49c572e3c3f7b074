"""Asking over HTTP for credit scores and reminders."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.context import Gateway
from shared.jobs.requests import CREDIT_SCORE_DELAY_MS
from shared.queues import Queue

SCORE = {"retailerId": "RET001", "trigger": "order_confirmed"}
REMINDER = {"retailerId": "RET001", "orderId": "ORD2611000001", "type": "OVERDUE"}


def test_a_credit_score_is_asked_for_and_comes_a_little_later(operator: Any, parts: Gateway) -> None:
    answer = operator.post("/credit/scores", SCORE)

    body = answer.json
    job = parts.store.job(body["jobId"])
    assert answer.status_code == 202
    assert body == {
        "success": True,
        "message": "Processing",
        "jobId": job.id,
        "queue": "CREDIT_SCORE",
        "state": "delayed",
        "deduplicated": False,
    }
    assert answer.headers["Location"] == f"/api/v1/jobs/{job.id}"
    assert job.data == SCORE
    assert job.due_at_ms == job.created_at_ms + CREDIT_SCORE_DELAY_MS


def test_a_burst_of_triggers_of_one_retailer_is_one_calculation(operator: Any, parts: Gateway) -> None:
    first = operator.post("/credit/scores", SCORE).json

    second = operator.post("/credit/scores", SCORE | {"trigger": "payment_received"}).json

    assert (second["jobId"], second["deduplicated"]) == (first["jobId"], True)
    assert parts.store.job(first["jobId"]).data["trigger"] == "payment_received"


def test_the_delay_of_a_score_can_be_chosen(operator: Any) -> None:
    assert operator.post("/credit/scores", SCORE | {"options": {"delay": 0}}).json["state"] == "waiting"


def test_a_reminder_is_for_one_order_or_for_all_of_the_retailer(operator: Any, parts: Gateway) -> None:
    of_one = operator.post("/reminders", REMINDER)
    of_all = operator.post("/reminders", {"retailerId": "RET001", "type": "OVERDUE"})
    of_null = operator.post("/reminders", REMINDER | {"orderId": None})

    assert [each.status_code for each in (of_one, of_all, of_null)] == [202, 202, 202]
    assert parts.store.job(of_one.json["jobId"]).data == REMINDER
    assert parts.store.job(of_all.json["jobId"]).data == {"retailerId": "RET001", "type": "OVERDUE"}
    assert (of_null.json["jobId"], of_null.json["deduplicated"]) == (of_all.json["jobId"], True)


def test_a_reminder_is_asked_for_once_a_business_day(operator: Any, parts: Gateway) -> None:
    first = operator.post("/reminders", REMINDER).json

    second = operator.post("/reminders", REMINDER).json

    assert (second["jobId"], second["deduplicated"]) == (first["jobId"], True)
    assert parts.store.queue_stats(Queue.PAYMENT_REMINDERS).waiting == 1


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/credit/scores", {"trigger": "whim", "options": {"delay": -1}}, {"retailerId", "trigger", "options.delay"}),
        ("/credit/scores", SCORE | {"orderId": "O"}, {"orderId"}),
        ("/reminders", {"retailerId": 1, "orderId": "", "type": "SOON"}, {"retailerId", "orderId", "type"}),
        ("/reminders", REMINDER | {"options": {"priority": 0}}, {"options.priority"}),
    ],
)
def test_every_wrong_field_is_named(operator: Any, path: str, body: Any, wrong: set[str]) -> None:
    answer = operator.post(path, body)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert set(answer.json["errors"]) == wrong


@pytest.mark.parametrize("path", ["/credit/scores", "/reminders"])
def test_they_need_a_body_and_the_right_to_enqueue(operator: Any, viewer: Any, anonymous: Any, path: str) -> None:
    assert operator.post(path).status_code == 400
    assert viewer.post(path, {}).status_code == 403
    assert anonymous.post(path, {}).status_code == 401


def test_the_same_idempotency_key_returns_the_same_job(operator: Any) -> None:
    headers = {"Idempotency-Key": "abc"}
    options = {"options": {"deduplicate": False}}
    first = operator.post("/credit/scores", SCORE | options, headers=headers)

    assert operator.post("/credit/scores", SCORE | options, headers=headers).json == first.json
    other = operator.post("/credit/scores", SCORE, headers=headers)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_conflict")
