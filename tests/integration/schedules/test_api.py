"""Schedules over HTTP: what admins do to them, who may, and how wrong ones are named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.context import Gateway
from shared import audit
from shared.queues import Queue
from shared.schedules import Housekeeping, ScheduleRunner
from tests.integration.schedules.conftest import MESSAGE

GREET: dict[str, Any] = {
    "id": "greet",
    "description": "Good morning",
    "cron": "55 8 * * *",
    "job": {"queue": "WHATSAPP", "name": "message", "data": MESSAGE, "options": {"priority": 10}},
}
TIDY: dict[str, Any] = {"id": "tidy", "interval": 60_000, "housekeeping": "clean-jobs"}
DEFINITION = {key: value for key, value in GREET.items() if key != "id"}


def create(admin: Any, **changes: Any) -> Any:
    return admin.post("/schedules", {**GREET, **changes})


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 422, answer.text
    found: dict[str, list[str]] = answer.json["errors"]
    return found


def test_a_schedule_is_created_and_shown(admin: Any, viewer: Any) -> None:
    answer = create(admin)

    assert answer.status_code == 201
    assert answer.json["message"] == "Schedule greet is created"
    shown = viewer.get("/schedules/greet").json
    assert shown["cron"] == "55 8 * * *"
    assert shown["timeZone"] == "Asia/Kathmandu"
    assert shown["nextDueAt"].endswith("T03:10:00.000Z")
    assert datetime.fromisoformat(shown["nextDueAt"]) > datetime.now(UTC)
    assert shown["createdBy"] == "the admin"
    assert (shown["isPaused"], shown["isRunning"], shown["lastRun"], shown["revision"]) == (False, False, None, 1)


def test_the_data_of_the_job_is_masked_and_revealed_to_those_who_may(admin: Any, viewer: Any, operator: Any) -> None:
    create(admin)

    assert viewer.get("/schedules/greet").json["job"]["data"]["recipient"] == "***00"
    assert operator.get("/schedules/greet?reveal=true").status_code == 403
    revealed = admin.get("/schedules/greet?reveal=true").json["job"]
    assert revealed == {**GREET["job"], "data": {**MESSAGE, "language": "en"}}


def test_lists_hold_no_payloads(admin: Any, viewer: Any) -> None:
    create(admin)
    admin.post("/schedules", TIDY)

    body = viewer.get("/schedules").json

    assert (body["count"], [each["id"] for each in body["schedules"]]) == (2, ["greet", "tidy"])
    assert body["schedules"][0]["job"] == {"queue": "WHATSAPP", "name": "message"}
    assert body["schedules"][1]["interval"] == 60_000
    assert body["schedules"][1]["housekeeping"] == "clean-jobs"


def test_an_id_that_is_taken_is_a_conflict(admin: Any) -> None:
    create(admin)

    answer = create(admin)

    assert (answer.status_code, answer.json["code"]) == (409, "schedule_conflict")


def test_a_definition_is_replaced(admin: Any) -> None:
    create(admin)

    answer = admin.call("PUT", "/schedules/greet", json={"interval": 3_600_000, "housekeeping": "clean-jobs"})

    assert answer.status_code == 200
    schedule = answer.json["schedule"]
    assert (schedule["cron"], schedule["interval"], schedule["job"]) == (None, 3_600_000, None)
    assert (schedule["description"], schedule["housekeeping"], schedule["revision"]) == (None, "clean-jobs", 2)


def test_an_interval_that_stays_as_long_keeps_its_times(admin: Any) -> None:
    before = admin.post("/schedules", TIDY).json["schedule"]["nextDueAt"]

    changed = {"interval": 60_000, "housekeeping": "clean-jobs", "description": "Tidy up"}
    after = admin.call("PUT", "/schedules/tidy", json=changed).json["schedule"]

    assert (after["nextDueAt"], after["description"]) == (before, "Tidy up")


def test_another_zone_moves_the_time(admin: Any) -> None:
    create(admin)

    answer = admin.call("PUT", "/schedules/greet", json={**DEFINITION, "timeZone": "UTC"})

    assert answer.json["schedule"]["nextDueAt"].endswith("T08:55:00.000Z")


def test_pause_resume_and_removal(admin: Any, viewer: Any) -> None:
    create(admin)

    paused = admin.post("/schedules/greet/pause", {"reason": "holidays"}).json["schedule"]
    assert (paused["isPaused"], paused["nextDueAt"]) == (True, None)
    resumed = admin.post("/schedules/greet/resume").json["schedule"]
    assert (resumed["isPaused"], resumed["nextDueAt"] is None) == (False, False)
    assert admin.delete("/schedules/greet").status_code == 200
    assert viewer.get("/schedules/greet").status_code == 404
    assert admin.delete("/schedules/greet").status_code == 404


def test_a_job_runs_now_under_an_id_of_the_schedule(admin: Any, parts: Gateway) -> None:
    create(admin)

    answer = admin.post("/schedules/greet/run")

    assert answer.status_code == 202
    job_id = answer.json["jobId"]
    assert job_id.startswith("whatsapp-schedule-greet-")
    assert answer.headers["Location"] == f"/api/v1/jobs/{job_id}"
    job = parts.store.job(job_id)
    assert (job.queue, job.data["recipient"], job.options["priority"]) == (Queue.WHATSAPP, "+9779800000000", 10)
    assert admin.get("/schedules/greet").json["lastRun"]["jobId"] == job_id


def test_a_repeated_request_with_one_idempotency_key_runs_once(admin: Any, parts: Gateway) -> None:
    create(admin)

    answers = [admin.post("/schedules/greet/run", headers={"Idempotency-Key": "k"}).json["jobId"] for _ in range(3)]

    assert len(set(answers)) == 1
    assert parts.store.queue_stats(Queue.WHATSAPP).waiting == 1


def test_a_paused_schedule_runs_by_hand(admin: Any) -> None:
    create(admin)
    admin.post("/schedules/greet/pause")

    assert admin.post("/schedules/greet/run").status_code == 202


def test_housekeeping_runs_now_in_a_scheduler(admin: Any, parts: Gateway) -> None:
    admin.post("/schedules", TIDY)

    answer = admin.post("/schedules/tidy/run")

    assert (answer.status_code, answer.json["jobId"]) == (202, None)
    assert admin.get("/schedules/tidy").json["isRunning"] is True
    again = admin.post("/schedules/tidy/run")
    assert (again.status_code, again.json["code"]) == (409, "schedule_conflict")
    runner = ScheduleRunner(parts.schedules, parts.broker, parts.store, {"clean-jobs": lambda: "removed nothing"})
    assert runner.run_housekeeping() == 1
    last = admin.get("/schedules/tidy").json["lastRun"]
    assert (last["success"], last["outcome"], last["jobId"]) == (True, "removed nothing", None)


def test_every_change_leaves_an_entry_with_its_reason(admin: Any, parts: Gateway) -> None:
    create(admin)
    admin.call("PUT", "/schedules/greet", json=DEFINITION)
    admin.post("/schedules/greet/pause", {"reason": "holidays"})
    admin.post("/schedules/greet/resume")
    admin.post("/schedules/greet/run")
    admin.delete("/schedules/greet?reason=over")
    create(admin, cron="never")

    with parts.database.reader() as tx:
        entries = [(each.action, each.target, each.why) for each in reversed(audit.actions(tx))]
    assert [each for each in entries if each[0].startswith("schedule.")] == [
        ("schedule.created", "greet", ""),
        ("schedule.edited", "greet", ""),
        ("schedule.paused", "greet", "holidays"),
        ("schedule.resumed", "greet", ""),
        ("schedule.started", "greet", ""),
        ("schedule.removed", "greet", "over"),
    ]


# Bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"cron": "61 * * * *"}, "cron", "wrong minute"),
        ({"cron": "* * *"}, "cron", "five fields"),
        ({"cron": "0 0 30 2 *"}, "cron", "day-of-month"),
        ({"cron": 5}, "cron", "must be text"),
        ({"timeZone": "Asia/Kathmandoo"}, "timeZone", "did you mean Asia/Kathmandu?"),
        ({"timeZone": "../../etc/passwd"}, "timeZone", "is not a time zone"),
        ({"timeZone": 5}, "timeZone", "name of a time zone"),
        ({"interval": 60_000}, "cron", "not both"),
        ({"cron": None}, "cron", "must be given, or interval"),
        ({"cron": None, "interval": 999}, "interval", "from 1000"),
        ({"cron": None, "interval": 1e12}, "interval", "to 31622400000"),
        ({"housekeeping": "clean-jobs"}, "job", "not both"),
        ({"job": None}, "job", "must be given, or housekeeping"),
        ({"job": None, "housekeeping": "clean-job"}, "housekeeping", "did you mean clean-jobs?"),
        ({"job": "x"}, "job", "JSON object"),
        ({"job": {**GREET["job"], "queue": "WHATSUP"}}, "job.queue", "WHATSAPP"),
        ({"job": {**GREET["job"], "queue": 5}}, "job.queue", "is required"),
        ({"job": {**GREET["job"], "name": "massage"}}, "job.name", "message"),
        ({"job": {**GREET["job"], "data": {**MESSAGE, "recipient": "12"}}}, "job.data.recipient", "phone"),
        ({"job": {**GREET["job"], "options": {"priority": 0}}}, "job.options.priority", "from 1 to 100"),
        ({"job": {**GREET["job"], "options": {"jobId": "mine"}}}, "job.options.jobId", "made of the schedule"),
        ({"job": {**GREET["job"], "extra": 1}}, "job.extra", "is not known here"),
        ({"id": "Greet"}, "id", "lower-case"),
        ({"id": "-x"}, "id", "lower-case"),
        ({"id": "x" * 65}, "id", "1 to 64"),
        ({"id": None}, "id", "is required"),
        ({"description": "x" * 201}, "description", "too long"),
        ({"when": "now"}, "when", "is not known here"),
    ],
)
def test_what_is_wrong_is_named(admin: Any, changes: dict[str, Any], path: str, words: str) -> None:
    found = errors(create(admin, **changes))

    assert list(found) == [path]
    assert words in found[path][0]
    assert admin.get("/schedules").json["count"] == 0


def test_everything_that_is_wrong_is_named_at_once(admin: Any) -> None:
    job = {"queue": "WHATSAPP", "name": "message", "data": {}, "options": {"priority": 0}}

    found = errors(create(admin, cron="x", timeZone="y", job=job))

    assert {"cron", "timeZone", "job.data.type", "job.options.priority"} <= set(found)


def test_an_edit_is_checked_as_strictly(admin: Any) -> None:
    create(admin)

    assert list(errors(admin.call("PUT", "/schedules/greet", json={**DEFINITION, "cron": "x"}))) == ["cron"]
    assert list(errors(admin.call("PUT", "/schedules/greet", json={**DEFINITION, "id": "other"}))) == ["id"]
    assert admin.get("/schedules/greet").json["revision"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PUT", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/run"), ("DELETE", "")],
)
@pytest.mark.parametrize("schedule_id", ["nobody", "x" * 300, "%00", "%F0%9F%98%80"])
def test_an_unknown_schedule_is_not_found(admin: Any, parts: Gateway, method: str, path: str, schedule_id: str) -> None:
    body = {"json": DEFINITION} if method == "PUT" else {}

    answer = admin.call(method, f"/schedules/{schedule_id}{path}", **body)

    assert (answer.status_code, answer.json["code"]) == (404, "schedule_not_found")
    with parts.database.reader() as tx:
        refused = [] if method == "GET" else ["action.refused"]
        assert [entry.action for entry in audit.actions(tx)] == [*refused, "token.created"]


# Roles ------------------------------------------------------------------------------------------

CHANGES = [
    ("POST", ""),
    ("PUT", "/greet"),
    ("DELETE", "/greet"),
    ("POST", "/greet/pause"),
    ("POST", "/greet/resume"),
    ("POST", "/greet/run"),
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_only_admins_change_schedules(viewer: Any, operator: Any, anonymous: Any, method: str, path: str) -> None:
    assert anonymous.call(method, f"/schedules{path}").status_code == 401
    for caller in (viewer, operator):
        answer = caller.call(method, f"/schedules{path}")
        assert (answer.status_code, answer.json["errors"]) == (403, {"scope": ["queues:admin is missing"]})


@pytest.mark.parametrize("path", ["", "/greet"])
def test_everybody_with_a_token_looks(admin: Any, viewer: Any, operator: Any, anonymous: Any, path: str) -> None:
    create(admin)

    assert anonymous.get(f"/schedules{path}").status_code == 401
    assert [caller.get(f"/schedules{path}").status_code for caller in (viewer, operator, admin)] == [200] * 3


def test_the_kinds_of_work_are_kept_apart(admin: Any, parts: Gateway) -> None:
    admin.post("/schedules", TIDY)

    assert parts.schedules.entry("tidy").schedule.work == Housekeeping("clean-jobs")
