"""Flows over HTTP: asking for one, following it, cancelling it; what is wrong is named; a death leaves no half flow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from gateway.context import Gateway
from shared import audit, outbox
from shared.broker.connection import Scripts
from shared.database.retention import Retention, remove_expired
from shared.errors import RedisUnavailable
from shared.queues import Queue
from tests.kit.engine import Engine
from tests.kit.flows import REMIND, SCORE, end_one, tell

TREE = {
    "name": "score two, then remind",
    "jobs": [
        {"key": "one", **SCORE},
        {"key": "two", **SCORE, "options": {"priority": 1}},
        {"key": "remind", **REMIND, "dependsOn": ["one", "two"], "onDependencyFailure": "release"},
    ],
}


@pytest.fixture
def credit(redis_url: str) -> Any:
    engine = Engine(redis_url, queue=Queue.CREDIT_SCORE)
    yield engine
    engine.close()


def states(viewer: Any, flow_id: str) -> dict[str, str]:
    return {job["key"]: job["state"] for job in viewer.get(f"/flows/{flow_id}").json["jobs"]}


def test_a_tree_is_accepted_and_followed_to_its_end(operator: Any, viewer: Any, credit: Engine) -> None:
    answer = operator.post("/flows", TREE)
    assert answer.status_code == 202
    flow_id = answer.json["flowId"]
    assert answer.headers["Location"] == f"/api/v1/flows/{flow_id}"
    ids = {job["key"]: job["jobId"] for job in answer.json["jobs"]}
    assert states(viewer, flow_id) == {"one": "waiting", "two": "waiting", "remind": "blocked"}

    for _ in range(2):
        end_one(credit)
        tell([credit])
    flow = viewer.get(f"/flows/{flow_id}").json
    assert (flow["name"], flow["state"], flow["createdBy"]) == ("score two, then remind", "running", "the operator")
    assert flow["progress"] == {"completed": 2, "finished": 2, "total": 3}
    assert sorted((edge["from"], edge["to"]) for edge in flow["edges"]) == [("one", "remind"), ("two", "remind")]
    assert states(viewer, flow_id)["remind"] == "waiting"

    job = viewer.get(f"/jobs/{ids['remind']}").json
    assert (job["flowId"], sorted(job["dependsOn"])) == (flow_id, sorted([ids["one"], ids["two"]]))
    assert job["waitsFor"] == []
    assert viewer.get(f"/jobs/{ids['one']}").json["dependents"] == [ids["remind"]]


def test_the_jobs_of_a_chain_wait_for_each_other(operator: Any, viewer: Any) -> None:
    flow_id = operator.post("/flows", {"chain": [SCORE, {"key": "last", **REMIND}]}).json["flowId"]

    flow = viewer.get(f"/flows/{flow_id}").json
    assert flow["edges"] == [{"from": "1", "to": "last"}]
    assert states(viewer, flow_id) == {"1": "waiting", "last": "blocked"}


def test_a_blocked_job_is_explained_by_those_it_waits_for(operator: Any, viewer: Any) -> None:
    jobs = operator.post("/flows", {"chain": [SCORE, REMIND]}).json["jobs"]
    ids = {job["key"]: job["jobId"] for job in jobs}

    reasons = viewer.get(f"/jobs/{ids['2']}/explain").json["reasons"]

    assert ids["1"] in str(reasons)


@pytest.mark.parametrize(
    ("body", "path", "rule"),
    [
        ({}, "jobs", "exactly one"),
        ({"jobs": [SCORE], "chain": [SCORE]}, "jobs", "exactly one"),
        ({"chain": []}, "chain", "1 to 1000"),
        ({"chain": [SCORE] * 1001}, "chain", "1 to 1000"),
        ({"chain": [SCORE], "nmae": "x"}, "nmae", "known: chain, jobs, name"),
        ({"chain": [SCORE], "name": ""}, "name", "1 to 128"),
        ({"chain": [{**SCORE, "dependsOn": ["1"]}]}, "chain.0.dependsOn", "use jobs"),
        ({"chain": [SCORE, {**SCORE, "data": {"trigger": "manual"}}]}, "chain.1.data.retailerId", ""),
        ({"chain": [SCORE, {**SCORE, "queue": "CREDIT"}]}, "chain.1.queue", "CREDIT_SCORE"),
        ({"chain": [{**SCORE, "options": {"attempts": 0}}]}, "chain.0.options.attempts", "from 1"),
        ({"chain": [{**SCORE, "options": {"jobId": "x"}}]}, "chain.0.options.jobId", "in a flow"),
        (
            {"chain": [{**SCORE, "options": {"deduplicationKey": "x"}}]},
            "chain.0.options.deduplicationKey",
            "in a flow",
        ),
        ({"chain": [{**SCORE, "onDependencyFailure": "fial"}]}, "chain.0.onDependencyFailure", "did you mean 'fail'"),
        ({"chain": ["x"]}, "chain.0.body", "object"),
        ({"jobs": [SCORE]}, "jobs.0.key", "is required"),
        ({"jobs": [{**SCORE, "key": "a"}, {**SCORE, "key": "a"}]}, "jobs.1.key", "already"),
        ({"jobs": [{**SCORE, "key": "a", "dependsOn": ["b"]}]}, "jobs.0.dependsOn", "no job of the flow"),
        ({"jobs": [{**SCORE, "key": "a", "dependsOn": "b"}]}, "jobs.0.dependsOn", "must be a list"),
        (
            {"jobs": [{**SCORE, "key": "a", "dependsOn": ["b"]}, {**SCORE, "key": "b", "dependsOn": ["a"]}]},
            None,
            "circle",
        ),
        ([], "body", "object"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    operator: Any, viewer: Any, body: Any, path: str | None, rule: str
) -> None:
    answer = operator.post("/flows", body)

    assert answer.status_code == 422
    if path is not None:
        assert list(answer.json["errors"]) == [path]
    assert rule in str(answer.json["errors"])
    assert viewer.get("/flows").json["flows"] == []
    assert viewer.get("/queues/stats").json["CREDIT_SCORE"]["counts"]["waiting"] == 0


def test_an_idempotency_key_gives_the_same_flow_again_and_refuses_another_body(operator: Any, viewer: Any) -> None:
    key = {"Idempotency-Key": "flow-of-today"}
    first, again = (operator.post("/flows", TREE, headers=key) for _ in range(2))
    other = operator.post("/flows", {"chain": [SCORE]}, headers=key)

    assert first.status_code == again.status_code == 202
    assert first.json == again.json
    assert (other.status_code, other.json["code"]) == (422, "idempotency_conflict")
    assert viewer.get("/flows").json["count"] == 1
    assert viewer.get("/queues/stats").json["CREDIT_SCORE"]["counts"]["waiting"] == 2


def test_flows_come_newest_first_and_page_by_page(operator: Any, viewer: Any) -> None:
    ids = [operator.post("/flows", {"chain": [SCORE]}).json["flowId"] for _ in range(5)]

    first = viewer.get("/flows?limit=3").json
    second = viewer.get(f"/flows?limit=3&cursor={first['cursor']}").json

    assert [flow["id"] for flow in first["flows"] + second["flows"]] == ids[::-1]
    assert second["cursor"] is None


def test_cancelling_a_flow_ends_what_is_unfinished_and_leaves_an_entry(
    operator: Any, viewer: Any, parts: Gateway, credit: Engine
) -> None:
    flow_id = operator.post("/flows", TREE).json["flowId"]
    end_one(credit)

    answer = operator.delete(f"/flows/{flow_id}?reason=no+more")

    assert answer.status_code == 200
    assert (answer.json["flow"]["state"], answer.json["message"]) == ("cancelled", f"Flow {flow_id} is cancelled")
    assert sorted(states(viewer, flow_id).values()) == ["cancelled", "cancelled", "completed"]
    with parts.database.reader() as tx:
        (entry,) = [each for each in audit.actions(tx) if each.action == "flow.cancelled"]
    assert (entry.target, entry.why) == (flow_id, "no more")


@pytest.mark.parametrize(("method", "path"), [("GET", "/flows/flow-0"), ("DELETE", "/flows/flow-0")])
def test_an_unknown_flow_is_not_found(operator: Any, method: str, path: str) -> None:
    answer = operator.call(method, path)

    assert (answer.status_code, answer.json["code"]) == (404, "flow_not_found")


def test_a_page_after_an_unknown_flow_is_refused(viewer: Any) -> None:
    assert viewer.get("/flows?cursor=flow-0").status_code == 404


class _Dies(Scripts):
    """Enqueues so many calls, then Redis is away."""

    calls = 0

    def run(self, name: str, queue_name: str, arguments: Any = ()) -> Any:
        if name == "enqueue":
            self.calls -= 1
            if self.calls < 0:
                raise RedisUnavailable("gone")
        return super().run(name, queue_name, arguments)


@pytest.mark.parametrize("published", [0, 1])
def test_a_flow_of_which_nothing_or_half_was_enqueued_is_completed_by_the_relay(
    operator: Any, viewer: Any, parts: Gateway, credit: Engine, published: int
) -> None:
    scripts = _Dies(parts.broker.scripts.client)
    scripts.calls = published
    with patch.object(parts.broker._enqueue_call, "_scripts", scripts):
        answer = operator.post("/flows", TREE)
    assert answer.status_code == 202
    flow_id = answer.json["flowId"]
    # The one that waits goes first: what it waits for can't end before it is there.
    assert states(viewer, flow_id) == {"one": None, "two": None, "remind": "blocked" if published else None}
    assert viewer.get(f"/flows/{flow_id}").json["state"] == "running"

    outbox.Relay(parts.database, parts.broker, age=timedelta(0)).run_once()

    assert states(viewer, flow_id) == {"one": "waiting", "two": "waiting", "remind": "blocked"}
    for _ in range(2):
        end_one(credit)
        tell([credit])
    assert states(viewer, flow_id)["remind"] == "waiting"


def test_a_cancelled_flow_that_was_not_enqueued_never_is(operator: Any, viewer: Any, parts: Gateway) -> None:
    scripts = _Dies(parts.broker.scripts.client)
    with patch.object(parts.broker._enqueue_call, "_scripts", scripts):
        flow_id = operator.post("/flows", TREE).json["flowId"]

    assert operator.delete(f"/flows/{flow_id}").json["flow"]["state"] == "cancelled"
    outbox.Relay(parts.database, parts.broker, age=timedelta(0)).run_once()

    assert set(states(viewer, flow_id).values()) == {None}
    assert viewer.get("/queues/stats").json["CREDIT_SCORE"]["counts"]["waiting"] == 0


def test_old_flows_are_removed_with_the_archive(operator: Any, viewer: Any, parts: Gateway) -> None:
    operator.post("/flows", {"chain": [SCORE]})

    removed = remove_expired(parts.database, Retention(archive=timedelta(0)))

    assert removed.flows == 1
    assert viewer.get("/flows").json["flows"] == []
