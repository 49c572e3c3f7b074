"""Limits over HTTP: shown, changed in part, given back, and noted with what held before and after."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.context import Gateway
from shared import audit
from shared.audit import OperatorAction
from shared.queue_limits import Rate
from shared.queues import Queue
from tests.kit.engine import RawWorker

PATH = "/queues/WHATSAPP/limits"


def entries(parts: Gateway, action: OperatorAction) -> list[Any]:
    with parts.database.reader() as tx:
        return [(entry.target, entry.why, entry.details) for entry in reversed(audit.actions(tx, action=action))]


def test_the_limits_of_every_queue_are_shown_with_who_set_them(viewer: Any, parts: Gateway) -> None:
    parts.store.limits.set_by_environment(Queue.WHATSAPP, {"rate": Rate(80, 1_000), "concurrency": 9})
    parts.store.limits.set_by_operator(Queue.WHATSAPP, {"concurrency": 3})

    body = viewer.get("/limits").json

    assert list(body["queues"]) == list(Queue.__members__)
    assert body["clients"] == {"requestsPerMinute": 1000}
    assert body["queues"]["WHATSAPP"] == {
        "name": "whatsapp-messages",
        "concurrency": 3,
        "rate": {"jobs": 80, "windowMs": 1000},
        "groupKey": "recipient",
        "groupRate": None,
        "groupConcurrency": None,
        "setByOperator": ["concurrency"],
        "running": 0,
        "parked": 0,
        "groupsWaiting": 0,
        "limited": {"rate": 0, "concurrency": 0, "groups": 0, "clients": 0},
    }
    assert body["queues"]["REPORT_GENERATION"]["groupKey"] == "userId"


def test_a_change_is_partial_and_noted_with_what_held_before_and_after(operator: Any, parts: Gateway) -> None:
    first = operator.put(PATH, {"concurrency": 3, "rate": "80/s", "groupKey": "type"})
    second = operator.put(PATH, {"rate": None, "groupRate": {"jobs": 1, "windowMs": 6000}, "reason": "too many"})
    third = operator.put(PATH, {"reset": ["concurrency", "rate", "groupKey"]})

    assert first.json["message"] == "The limits of queue WHATSAPP are changed"
    assert (first.json["limits"]["rate"], first.json["limits"]["groupKey"]) == ({"jobs": 80, "windowMs": 1000}, "type")
    assert (second.json["limits"]["rate"], second.json["limits"]["concurrency"]) == (None, 3)
    assert (third.json["limits"]["concurrency"], third.json["limits"]["groupKey"]) == (None, "recipient")
    assert third.json["limits"]["setByOperator"] == ["groupRate"]
    _, noted, _ = entries(parts, OperatorAction.QUEUE_LIMITED)
    rate, group_rate = {"jobs": 80, "windowMs": 1000}, {"jobs": 1, "windowMs": 6000}
    assert noted == (
        "WHATSAPP",
        "too many",
        {
            "before": {"concurrency": 3, "rate": rate, "groupKey": "type"},
            "after": {"concurrency": 3, "rate": None, "groupKey": "type", "groupRate": group_rate},
        },
    )


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"concurrency": 0}, "concurrency", "pause the queue to stop it"),
        ({"rate": "fast"}, "rate", "such as 80/s"),
        ({"groupKey": "a b"}, "groupKey", "dotted path"),
        ({"concurency": 1}, "concurency", "did you mean concurrency?"),
        ({"reset": ["all"]}, "reset", "groupConcurrency"),
        ({"rate": "1/s", "reset": ["rate"]}, "rate", "at once"),
        ({"reason": "why not"}, "body", "nothing to change"),
        ({"concurrency": 1, "reason": ""}, "reason", "1 to 500"),
    ],
)
def test_a_wrong_change_is_refused_by_field_and_changes_nothing(
    operator: Any, parts: Gateway, body: Any, field: str, words: str
) -> None:
    answer = operator.put(PATH, body)

    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert words in answer.json["errors"][field][0]
    assert parts.store.limits.of(Queue.WHATSAPP).limits == {}
    assert entries(parts, OperatorAction.QUEUE_LIMITED) == []


def test_an_unknown_queue_is_named(operator: Any) -> None:
    assert operator.put("/queues/WHATSUP/limits", {"concurrency": 1}).status_code == 404
    assert operator.get("/queues/WHATSUP/groups").status_code == 404


def test_groups_that_wait_are_shown_masked_with_when_they_open(viewer: Any, operator: Any, parts: Gateway) -> None:
    operator.put(PATH, {"groupRate": "1/min"})
    for recipient in ["+9779800000000"] * 3 + ["+9779811111111"] * 2:
        operator.send(recipient=recipient)
    RawWorker(parts.broker.scripts, Queue.WHATSAPP, "raw").fetch(5)

    body = viewer.get("/queues/WHATSAPP/groups").json

    assert [(each["group"], each["parked"], each["running"]) for each in body["groups"]] == [
        ("***00", 2, 1),
        ("***11", 1, 1),
    ]
    assert body["groups"][0]["opensAt"].endswith("Z")
    assert (body["count"], body["total"], body["lookedAt"]) == (2, 2, 2)
    assert viewer.get("/limits").json["queues"]["WHATSAPP"]["parked"] == 3


def test_a_job_may_name_its_group(operator: Any, parts: Gateway) -> None:
    job_id = operator.send(options={"group": "campaign-7"}).json["jobId"]
    client: Any = parts.broker.scripts.client
    assert client.hget("doko:{whatsapp-messages}:job:" + job_id, "group") == b"campaign-7"
    wrong = operator.send(options={"group": ""})
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["options.group"])
