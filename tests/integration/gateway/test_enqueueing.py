"""Jobs that come in over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from gateway.context import Gateway
from gateway.job_requests import MAX_BULK
from shared.broker.broker import JOBS_A_CALL
from shared.broker.states import State
from shared.queues import Queue


def test_the_requirements_message_is_accepted_and_waits(operator: Any, parts: Gateway) -> None:
    answer = operator.send()

    body = answer.json
    job_id = body.pop("jobId")
    assert answer.status_code == 202
    assert body == {
        "success": True,
        "message": "Processing",
        "queue": "WHATSAPP",
        "state": "waiting",
        "deduplicated": False,
    }
    assert answer.headers["Location"] == f"/api/v1/jobs/{job_id}"
    assert parts.store.job(job_id).data["recipient"] == "+9779800000000"


def test_a_delayed_message_is_delayed(operator: Any) -> None:
    assert operator.send(options={"delay": 5000}).json["state"] == "delayed"


def test_every_option_of_the_requirement_reaches_the_job(operator: Any, parts: Gateway) -> None:
    options = {
        "attempts": 5,
        "backoff": {"type": "fixed", "delay": 5000},
        "timeout": 300000,
        "priority": 1,
        "removeOnComplete": 10,
        "removeOnFail": 20,
        "jobId": "mine",
        "language": "ne",
    }

    job = parts.store.job(operator.send(options=options).json["jobId"])

    assert job.id == "whatsapp-mine"
    assert job.attempts == 5
    assert job.data["language"] == "ne"
    assert job.options["backoff"] == {"type": "fixed", "delay": 5000}
    assert (job.options["timeout"], job.options["priority"]) == (300000, 1)


def test_a_second_job_with_the_key_of_an_unfinished_one_is_answered_with_that_ones_id(operator: Any) -> None:
    options = {"deduplicate": True, "deduplicationKey": "order-confirmation-1"}
    first = operator.send(options=options).json

    second = operator.send(options=options).json

    assert (second["jobId"], second["deduplicated"]) == (first["jobId"], True)


def test_deduplicate_without_any_key_names_the_missing_key(operator: Any) -> None:
    answer = operator.send(options={"deduplicate": True})

    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["options.deduplicationKey"]


def test_every_wrong_field_and_option_is_named_by_its_path(operator: Any, example: dict[str, Any]) -> None:
    example["data"]["items"][0]["quantity"] = -1

    answer = operator.send(recipient="12", data=example["data"], options={"delay": -1})

    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"recipient", "data.items.0.quantity", "options.delay"}
    assert answer.json["code"] == "invalid"


def test_an_unknown_type_is_refused_with_the_nearest_known_one(operator: Any) -> None:
    assert "ORDER_CONFIRMATION" in operator.send(type="ORDER_CONFIRMATON").json["errors"]["type"][0]


def test_a_language_outside_the_options_is_told_where_it_belongs(operator: Any) -> None:
    assert operator.send(language="ne").json["errors"] == {
        "language": ["belongs into the options, as options.language"]
    }


@pytest.mark.parametrize("options", [[], "soon", 5])
def test_options_that_are_no_object_are_refused(operator: Any, options: Any) -> None:
    assert operator.send(options=options).json["errors"] == {"options": ["must be a JSON object"]}


def test_the_same_idempotency_key_returns_the_same_job(operator: Any, example: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "abc"}
    first = operator.post("/whatsapp/messages", example, headers=headers)

    reordered = dict(reversed(example.items()))
    second = operator.post("/whatsapp/messages", reordered, headers=headers)

    assert second.status_code == 202
    assert second.json == first.json


def test_an_idempotency_key_with_another_body_is_a_conflict(operator: Any, example: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "abc"}
    operator.post("/whatsapp/messages", example, headers=headers)

    answer = operator.post("/whatsapp/messages", {**example, "recipient": "9811111111"}, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_conflict")


def test_an_idempotency_key_belongs_to_its_token(operator: Any, admin: Any, example: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "abc"}
    first = operator.post("/whatsapp/messages", example, headers=headers)

    assert admin.post("/whatsapp/messages", example, headers=headers).json["jobId"] != first.json["jobId"]


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
def test_an_impossible_idempotency_key_is_refused(operator: Any, example: dict[str, Any], key: str) -> None:
    answer = operator.post("/whatsapp/messages", example, headers={"Idempotency-Key": key.encode().decode("latin-1")})

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["Idempotency-Key"])


def test_the_generic_add_job_takes_any_job_of_any_queue(operator: Any, parts: Gateway) -> None:
    body = {"name": "credit-score-calculation", "data": {"retailerId": "RET001", "trigger": "manual"}}

    answer = operator.post("/queues/CREDIT_SCORE/jobs", body)

    assert answer.status_code == 202
    assert parts.store.job(answer.json["jobId"]).queue is Queue.CREDIT_SCORE


def test_an_unknown_job_name_is_refused_with_the_known_ones(operator: Any) -> None:
    answer = operator.post("/queues/WHATSAPP/jobs", {"name": "massage", "data": {}})

    assert answer.status_code == 422
    assert "did you mean message" in answer.json["errors"]["name"][0]


def test_the_generic_add_job_names_wrong_data_below_data(operator: Any, example: dict[str, Any]) -> None:
    body = {"name": "message", "data": {**example, "recipient": "12"}, "options": {"attempts": 0}}

    answer = operator.post("/queues/WHATSAPP/jobs", body)

    assert set(answer.json["errors"]) == {"data.recipient", "options.attempts"}


def test_a_bulk_of_a_thousand_jobs_is_accepted_in_order(operator: Any, example: dict[str, Any]) -> None:
    jobs = [{"name": "message", "data": example, "options": {"jobId": f"n{index}"}} for index in range(1000)]

    answer = operator.post("/queues/WHATSAPP/jobs/bulk", {"jobs": jobs})

    assert answer.status_code == 202
    assert answer.json["count"] == 1000
    assert [job["jobId"] for job in answer.json["jobs"][:2]] == ["whatsapp-n0", "whatsapp-n1"]


def test_a_bulk_with_one_invalid_job_enqueues_none(operator: Any, parts: Gateway, example: dict[str, Any]) -> None:
    jobs = [{"name": "message", "data": example}, {"name": "message", "data": {}}, {"name": "no"}]

    answer = operator.post("/queues/WHATSAPP/jobs/bulk", {"jobs": jobs})

    assert answer.status_code == 422
    assert {"jobs.1.data.recipient", "jobs.2.name"} <= set(answer.json["errors"])
    assert not [path for path in answer.json["errors"] if path.startswith("jobs.0")]
    assert parts.store.queue_stats(Queue.WHATSAPP).waiting == 0


def waiting(parts: Gateway) -> int:
    return parts.store.queue_stats(Queue.WHATSAPP).waiting


def test_a_bulk_is_one_round_trip_to_redis() -> None:
    assert MAX_BULK <= JOBS_A_CALL


def test_a_bulk_over_the_clients_limit_enqueues_none(app: Flask, operator: Any, example: dict[str, Any]) -> None:
    gateway: Gateway = app.extensions["doko"]
    parts = replace(gateway, settings=replace(gateway.settings, client_rate_limit=999))
    app.extensions["doko"] = parts
    jobs = [{"name": "message", "data": example}] * 1000

    refused = operator.post("/queues/WHATSAPP/jobs/bulk", {"jobs": jobs})
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    assert refused.headers["Retry-After"]
    assert waiting(parts) == 0

    # A refused bulk uses nothing up.
    assert operator.post("/queues/WHATSAPP/jobs/bulk", {"jobs": jobs[:999]}).status_code == 202
    assert waiting(parts) == 999


def test_a_bulk_with_the_idempotency_key_of_another_enqueues_none(
    operator: Any, parts: Gateway, example: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": "once"}
    first = {"jobs": [{"name": "message", "data": example}]}
    assert operator.post("/queues/WHATSAPP/jobs/bulk", first, headers=headers).status_code == 202

    other = {"jobs": [{"name": "message", "data": example}] * 1000}
    answer = operator.post("/queues/WHATSAPP/jobs/bulk", other, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_conflict")
    assert waiting(parts) == 1


@pytest.mark.parametrize("jobs", [[], [{}] * 1001, {}, None])
def test_a_bulk_of_none_or_too_many_is_refused(operator: Any, jobs: Any) -> None:
    assert list(operator.post("/queues/WHATSAPP/jobs/bulk", {"jobs": jobs}).json["errors"]) == ["jobs"]


def test_a_cancelled_job_is_answered_with_its_state(operator: Any, parts: Gateway) -> None:
    job_id = operator.send().json["jobId"]

    answer = operator.delete(f"/jobs/{job_id}")

    assert (answer.status_code, answer.json["job"]["state"]) == (200, "cancelled")
    assert parts.store.job(job_id).state is State.CANCELLED
    assert operator.delete(f"/jobs/{job_id}").status_code == 409
