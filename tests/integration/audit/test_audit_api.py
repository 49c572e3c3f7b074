"""The audit over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import text

from gateway.context import Gateway
from tests.integration.gateway.conftest import Api, admin, app, operator, parts, settings, viewer

__all__ = ["admin", "app", "operator", "parts", "settings", "viewer"]


def body_of(api: Api, path: str) -> Any:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_actions_and_refusals_are_listed_newest_first(operator: Api, viewer: Api) -> None:
    operator.post("/queues/WHATSAPP/pause", {"reason": "the provider is down"})
    viewer.post("/queues/WHATSAPP/resume")

    refused, paused = body_of(operator, "/audit")["entries"][:2]

    assert (refused["action"], refused["actor"], refused["target"]) == ("access.refused", "the viewer", "WHATSAPP")
    assert (paused["action"], paused["actor"], paused["reason"]) == (
        "queue.paused",
        "the operator",
        "the provider is down",
    )
    assert paused["remoteAddress"] == "127.0.0.1"
    assert paused["requestId"]


def test_entries_are_found_by_actor_action_target_and_time(operator: Api, admin: Api) -> None:
    operator.post("/queues/WHATSAPP/pause")
    admin.post("/queues/CREDIT_SCORE/pause")
    (credit,) = body_of(operator, "/audit?action=queue.paused&target=CREDIT_SCORE")["entries"]

    by_actor = body_of(operator, "/audit?actor=the operator")["entries"]
    at = credit["at"].replace("+", "%2B")
    since = body_of(operator, f"/audit?since={at}&action=queue.paused")["entries"]
    until = body_of(operator, f"/audit?until={at}&action=queue.paused")["entries"]

    assert {entry["target"] for entry in by_actor} == {"WHATSAPP"}
    assert [entry["target"] for entry in since] == ["CREDIT_SCORE"]
    assert [entry["target"] for entry in until] == ["WHATSAPP"]


def test_a_cursor_leads_through_all_entries_once(operator: Api) -> None:
    for _ in range(5):
        operator.post("/queues/WHATSAPP/resume")
    path, seen = "/audit?action=queue.resumed&limit=2", []
    page = body_of(operator, path)
    while page["cursor"] is not None:
        seen += page["entries"]
        page = body_of(operator, f"{path}&cursor={page['cursor']}")
    seen += page["entries"]

    ids = [entry["id"] for entry in seen]
    assert len(ids) == 5
    assert ids == sorted(set(ids), reverse=True)


def test_wrong_filters_are_refused_by_name(operator: Api, viewer: Api) -> None:
    for query in ("action=queue.exploded", "since=yesterday", "limit=0", "cursor=x", "who=me"):
        answer: Any = operator.get(f"/audit?{query}")
        assert (answer.status_code, list(answer.json["errors"])) == (422, [query.partition("=")[0]])
    assert viewer.get("/audit").status_code == 403
    assert operator.get("/audit/verify").status_code == 403


def test_an_admin_can_check_the_newest_rows(admin: Api, app: Flask, parts: Gateway) -> None:
    admin.post("/queues/WHATSAPP/pause")
    admin.post("/queues/WHATSAPP/resume")
    whole = body_of(admin, "/audit/verify?rows=2")
    with parts.database.session() as tx:
        tx.execute(text("drop trigger operator_log_no_update"))
        tx.execute(text("update operator_log set actor = 'nobody' where action = 'queue.resumed'"))

    broken = body_of(admin, "/audit/verify?rows=2")

    assert whole["isIntact"] is True
    log = {chain["name"]: chain for chain in whole["chains"]}["operator-log"]
    assert (log["checked"], log["finding"]) == (2, None)
    assert broken["isIntact"] is False
    assert {chain["name"]: chain["finding"] for chain in broken["chains"]}["operator-log"]["what"] == "changed"
