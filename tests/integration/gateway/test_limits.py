"""Limits over HTTP: shown, changed in part, given back, and noted with what held before and after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from gateway.auth import CACHE_S, TokenCache
from gateway.client_limits import SetClientLimit, set_limit
from gateway.context import Gateway
from gateway.roles import Role
from gateway.tokens import create_token
from shared import audit
from shared.audit import Actor, OperatorAction
from shared.queue_limits import Rate
from shared.queues import Queue
from tests.integration.gateway.conftest import caller
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


def test_a_clients_limit_is_set_shown_and_given_back_with_an_entry_each(
    admin: Any, viewer: Any, parts: Gateway
) -> None:
    put = admin.put("/limits/clients/the viewer", {"requestsPerMinute": 3, "reason": "a runaway script"})
    listed = viewer.get("/limits/clients").json
    changed = admin.put("/limits/clients/the viewer", {"requestsPerMinute": 5})
    removed = admin.delete("/limits/clients/the viewer?reason=repaired")
    after = viewer.get("/limits/clients/the viewer").json

    shown = {"user": "the viewer", "requestsPerMinute": 3, "isDefault": False, "setBy": "the admin"}
    assert put.json.items() >= shown.items()
    assert (listed["requestsPerMinute"], listed["count"]) == (1000, 1)
    assert listed["clients"][0].items() >= {**shown, "reason": "a runaway script"}.items()
    assert (changed.json["requestsPerMinute"], changed.json["reason"]) == (5, None)
    assert removed.status_code == 200
    assert (after["requestsPerMinute"], after["isDefault"]) == (1000, True)
    assert entries(parts, OperatorAction.CLIENT_LIMITED) == [
        ("the viewer", "a runaway script", {"before": None, "after": 3}),
        ("the viewer", "", {"before": 3, "after": 5}),
        ("the viewer", "repaired", {"before": 5, "after": None}),
    ]
    assert admin.delete("/limits/clients/the viewer").status_code == 404
    assert viewer.get("/limits/clients/nobody").status_code == 404


def test_a_clients_own_limit_holds_for_its_tokens_and_the_refusal_says_which(
    app: Flask, admin: Any, operator: Any, parts: Gateway
) -> None:
    other = caller(app, Role.OPERATOR)
    admin.put("/limits/clients/the operator", {"requestsPerMinute": 2})

    enqueued = [operator.send().status_code for _ in range(2)]
    refused = operator.send()
    looks = [other.get("/limits").status_code for _ in range(3)]

    assert enqueued == [202, 202]
    assert looks == [200, 200, 429]
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    assert (
        "more than 2 requests within a minute, the limit of user the operator; come back in" in refused.json["message"]
    )
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Policy"] == '"client";q=2;w=60'
    assert parts.store.queue_stats(Queue.WHATSAPP).limited.clients == 1
    assert admin.get("/limits").status_code == 200


def test_a_clients_limit_of_0_is_none(app: Flask, admin: Any, parts: Gateway) -> None:
    app.extensions["doko"] = replace(parts, settings=replace(parts.settings, client_rate_limit=1))
    free = caller(app, Role.OPERATOR)
    with parts.database.session() as tx:
        set_limit(tx, "the operator", SetClientLimit(0, None), "test")

    assert [free.get("/limits").status_code for _ in range(4)] == [200] * 4
    assert [admin.get("/limits").status_code for _ in range(2)] == [200, 429]


def test_a_changed_limit_of_a_client_holds_when_the_cache_has_forgotten_the_token(parts: Gateway) -> None:
    now = 0.0
    cache = TokenCache(parts.database, monotonic=lambda: now)
    with parts.database.session() as tx:
        secret = create_token(tx, user="asha", role=Role.VIEWER, actor=Actor("test")).secret
    first = cache.caller(secret)
    with parts.database.session() as tx:
        set_limit(tx, "asha", SetClientLimit(7, None), "test")
    still = cache.caller(secret)
    now = CACHE_S
    later = cache.caller(secret)
    assert first is not None
    assert still is not None
    assert later is not None
    assert (first.requests_per_minute, still.requests_per_minute, later.requests_per_minute) == (None, None, 7)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "requestsPerMinute"),
        ({"requestsPerMinute": -1}, "requestsPerMinute"),
        ({"requestsPerMinute": "9"}, "requestsPerMinute"),
    ],
)
def test_a_wrong_limit_of_a_client_is_refused(admin: Any, body: Any, field: str) -> None:
    answer = admin.put("/limits/clients/asha", body)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_a_user_name_that_no_token_can_have_is_refused(admin: Any) -> None:
    answer = admin.put("/limits/clients/" + "x" * 65, {"requestsPerMinute": 1})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["user"])
