"""What each screen shows, and that actions are those of the API: same scopes, same refusals, same log."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.context import Gateway
from shared import audit
from shared.broker.states import State
from shared.queues import Queue
from tests.integration.dashboard.conftest import Browser
from tests.kit.dashboard import a_failed_message, a_message

SCREENS = (
    "/dashboard",
    "/dashboard/jobs",
    "/dashboard/jobs?filter=state:failed",
    "/dashboard/failures",
    "/dashboard/subjects",
    "/dashboard/subjects/order/ORD-2026-001",
    "/dashboard/subjects/phone/9800000000",
    "/dashboard/workers",
    "/dashboard/schedules",
    "/dashboard/flows",
    "/dashboard/bulk",
)


def actions(parts: Gateway) -> list[tuple[str, str, str]]:
    with parts.database.reader() as tx:
        entries = audit.actions(tx)
    noise = {"token.created", "session.opened", "action.refused", "access.refused"}
    return [(entry.action, entry.target, entry.why) for entry in reversed(entries) if entry.action not in noise]


@pytest.mark.parametrize("path", SCREENS)
def test_a_viewer_sees_every_screen_empty_or_full_with_personal_data_masked(
    viewer: Browser, parts: Gateway, path: str
) -> None:
    assert viewer.get(path).status_code == 200

    a_failed_message(parts)
    a_message(parts, delay=60_000)
    response = viewer.get(path)

    assert response.status_code == 200
    assert "9800000000" not in response.text.replace("/subjects/phone/9800000000", "")


def test_a_viewer_is_shown_no_control_and_refused_each_action(viewer: Browser, parts: Gateway) -> None:
    failed, delayed = a_failed_message(parts), a_message(parts, delay=60_000)
    for path in ("/dashboard", "/dashboard/jobs", f"/dashboard/jobs/{failed}", f"/dashboard/jobs/{delayed}"):
        page = viewer.get(path).text
        forms = [line for line in page.split("<form")[1:] if 'method="post"' in line.partition(">")[0]]
        assert all("/dashboard/theme" in form or "/dashboard/logout" in form for form in forms)

    for path, fields in (
        ("/dashboard/queues/WHATSAPP/pause", {"reason": "x"}),
        ("/dashboard/queues/WHATSAPP/resume", {}),
        ("/dashboard/queues/WHATSAPP/clean", {"hours": "0"}),
        (f"/dashboard/jobs/{failed}/retry", {}),
        (f"/dashboard/jobs/{failed}/rerun", {"data": "{}"}),
        (f"/dashboard/jobs/{failed}/reveal", {}),
        (f"/dashboard/jobs/{delayed}/promote", {}),
        (f"/dashboard/jobs/{delayed}/cancel", {}),
        ("/dashboard/jobs/act", {"action": "retry", "id": failed}),
        ("/dashboard/schedules/new", {"id": "x"}),
    ):
        answer = viewer.follow(viewer.post(path, fields))
        assert "This needs the scope" in answer.text, path

    assert actions(parts) == []
    assert parts.store.job(failed).state is State.FAILED
    with parts.database.reader() as tx:
        refused = [entry for entry in audit.actions(tx) if entry.action == "access.refused"]
    assert {entry.actor for entry in refused} == {"the viewer"}
    assert "This needs the scope" in refused[0].why


def test_an_operator_pauses_with_a_reason_and_an_end_and_resumes(operator: Browser, parts: Gateway) -> None:
    page = operator.follow(operator.post("/dashboard/queues/WHATSAPP/pause", {"for": "60"}, reason="provider is down"))

    assert "Queue WHATSAPP is paused" in page.text
    assert "provider is down" in page.text
    pause = parts.store.queue_stats(Queue.WHATSAPP).pause
    assert pause is not None
    assert pause.until_ms is not None
    assert pause.until_ms - pause.at_ms == pytest.approx(3_600_000, abs=60_000)

    operator.post("/dashboard/queues/WHATSAPP/resume")

    assert not parts.store.queue_stats(Queue.WHATSAPP).is_paused
    assert actions(parts) == [("queue.paused", "WHATSAPP", "provider is down"), ("queue.resumed", "WHATSAPP", "")]


@pytest.mark.parametrize("minutes", ["0", "-1", "x", "9" * 400, "1e3", "²"])
def test_a_pause_for_no_number_of_minutes_is_refused_with_words(
    operator: Browser, parts: Gateway, minutes: str
) -> None:
    page = operator.follow(operator.post("/dashboard/queues/WHATSAPP/pause", {"for": minutes}, reason="x"))

    assert "must be 1 to 1440 minutes" in page.text
    assert not parts.store.queue_stats(Queue.WHATSAPP).is_paused


def test_only_an_admin_cleans_and_edits_schedules(operator: Browser, admin: Browser, parts: Gateway) -> None:
    a_failed_message(parts)
    assert "Clean" not in operator.get("/dashboard").text
    assert "scope queues:admin" in operator.follow(operator.post("/dashboard/queues/WHATSAPP/clean", hours="0")).text
    assert operator.get("/dashboard/schedules/new").status_code == 403

    page = admin.follow(admin.post("/dashboard/queues/WHATSAPP/clean", hours="0"))

    assert "Removed 0 completed and 1 failed jobs" in page.text
    assert admin.get("/dashboard/schedules/new").status_code == 200


def test_a_failed_job_is_retried_from_its_page(operator: Browser, parts: Gateway) -> None:
    job_id = a_failed_message(parts)
    page = operator.get(f"/dashboard/jobs/{job_id}")
    assert "ProviderError" in page.text
    assert "States: waiting → active → failed" in page.text

    answer = operator.post(f"/dashboard/jobs/{job_id}/retry", reason="it answers again")

    assert answer.headers["Location"] == f"/dashboard/jobs/{job_id}"
    assert parts.store.job(job_id).state is State.WAITING
    assert actions(parts) == [("job.retried", job_id, "it answers again")]


def test_what_the_engine_refuses_is_said_on_the_page(operator: Browser, parts: Gateway) -> None:
    job_id = a_message(parts)

    page = operator.follow(operator.post(f"/dashboard/jobs/{job_id}/retry"))

    assert "only failed jobs can be retried" in page.text
    assert 'role="alert"' in page.text


def test_selected_jobs_are_cancelled_together_and_the_refused_are_counted(operator: Browser, parts: Gateway) -> None:
    jobs = [a_message(parts), a_message(parts, delay=60_000), a_failed_message(parts)]

    page = operator.follow(operator.post("/dashboard/jobs/act", action="cancel", id=jobs, reason="by mistake"))

    assert "2 jobs cancelled, 1 not: job" in page.text
    assert [parts.store.job(job_id).state for job_id in jobs] == [State.CANCELLED, State.CANCELLED, State.FAILED]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"action": "retry"}, "Select 1 to 200 jobs"),
        ({"action": "retry", "id": ["x"] * 201}, "Select 1 to 200 jobs"),
        ({"action": "explode", "id": "x"}, "There is no action"),
        ({"action": "retry", "id": "nowhere-1"}, "0 jobs retried, 1 not: no job has the id"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused_with_words(
    operator: Browser, fields: dict[str, Any], words: str
) -> None:
    assert words in operator.follow(operator.post("/dashboard/jobs/act", fields)).text


def test_a_job_runs_again_with_edits_and_what_is_masked_stays(operator: Browser, parts: Gateway) -> None:
    job_id = a_failed_message(parts)
    form = operator.get(f"/dashboard/jobs/{job_id}/edit")
    assert "***00" in form.text

    edited = (
        '{"type": "ORDER_CONFIRMATION", "recipient": "***00", "data": {"orderNumber": "ORD-2026-002", "total": 1500.0,'
        ' "items": [{"productName": "Rice 1kg", "quantity": 10, "unitPrice": 150.0}]}}'
    )
    answer = operator.post(f"/dashboard/jobs/{job_id}/rerun", data=edited, reason="wrong order")

    new_id = answer.headers["Location"].rpartition("/")[2]
    new = parts.store.job(new_id)
    assert new_id != job_id
    assert new.data["data"]["orderNumber"] == "ORD-2026-002"
    assert new.data["recipient"] == "+9779800000000"
    assert parts.store.job(job_id).state is State.FAILED
    assert actions(parts) == [("job.rerun", job_id, "wrong order")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "must be a JSON object"),
        ('{"type": "NOPE"}', "type</code> must be one of"),
        ('{"recipient": "abc"}', "recipient</code>"),
    ],
)
def test_wrong_edits_come_back_with_each_error_and_what_was_typed(
    operator: Browser, parts: Gateway, text: str, words: str
) -> None:
    job_id = a_failed_message(parts)

    answer = operator.post(f"/dashboard/jobs/{job_id}/rerun", data=text)

    assert answer.status_code == 422
    assert words in answer.text
    assert actions(parts) == []


def test_an_unfinished_job_has_no_edits(operator: Browser, parts: Gateway) -> None:
    job_id = a_message(parts)

    answer = operator.follow(operator.post(f"/dashboard/jobs/{job_id}/rerun", data="{}"))

    assert "only ended jobs can be run again" in answer.text


def test_only_an_admin_reveals_personal_data_and_the_log_notes_it(
    operator: Browser, admin: Browser, parts: Gateway
) -> None:
    job_id = a_message(parts)
    assert "pii:read" in operator.follow(operator.post(f"/dashboard/jobs/{job_id}/reveal")).text

    page = admin.post(f"/dashboard/jobs/{job_id}/reveal")

    assert "+9779800000000" in page.text
    assert actions(parts) == [("pii.revealed", job_id, "")]


def test_a_schedule_is_made_paused_edited_run_and_removed(admin: Browser, parts: Gateway) -> None:
    fields = {
        "id": "nightly-score",
        "timeZone": "Asia/Kathmandu",
        "cron": "0 3 * * *",
        "queue": "CREDIT_SCORE",
        "name": "credit-score-calculation",
        "data": '{"retailerId": "RET001", "trigger": "manual"}',
    }
    assert "Schedule nightly-score is created" in admin.follow(admin.post("/dashboard/schedules/new", fields)).text
    assert 'value="0 3 * * *"' in admin.get("/dashboard/schedules/nightly-score/edit").text

    admin.post("/dashboard/schedules/nightly-score/edit", {**fields, "cron": "30 4 * * *"})
    admin.post("/dashboard/schedules/nightly-score/pause", reason="x")
    assert parts.schedules.entry("nightly-score").schedule.is_paused
    assert "30 4 * * *" in admin.get("/dashboard/schedules").text
    admin.post("/dashboard/schedules/nightly-score/resume")
    assert "runs now as job" in admin.follow(admin.post("/dashboard/schedules/nightly-score/run")).text
    assert "is removed" in admin.follow(admin.post("/dashboard/schedules/nightly-score/remove", reason="x")).text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cron": "nonsense"}, "cron</code>"),
        ({"interval": "soon", "cron": ""}, "interval</code>"),
        ({"id": "No!"}, "lower-case letters"),
        ({"data": "{"}, "is not JSON"),
        ({"timeZone": "Mars/Olympus"}, "timeZone</code>"),
        ({"name": "nope"}, "job"),
    ],
)
def test_a_wrong_schedule_comes_back_with_each_error(admin: Browser, changes: dict[str, str], words: str) -> None:
    fields = {"id": "x", "timeZone": "Asia/Kathmandu", "cron": "0 3 * * *", "queue": "CREDIT_SCORE"}
    fields |= {"name": "credit-score-calculation", "data": '{"retailerId": "RET001", "trigger": "manual"}'}

    answer = admin.post("/dashboard/schedules/new", {**fields, **changes})

    assert answer.status_code == 422
    assert words in answer.text


def test_a_page_that_does_not_exist_says_so(viewer: Browser) -> None:
    for path in ("/dashboard/nowhere", "/dashboard/jobs/whatsapp-nope", "/dashboard/flows/nope"):
        response = viewer.get(path)
        assert response.status_code == 404
        assert "<h1>Not found</h1>" in response.text


def test_the_state_of_a_list_stands_in_its_address(viewer: Browser, parts: Gateway) -> None:
    for _ in range(51):
        a_message(parts)

    first = viewer.get("/dashboard/jobs?filter=queue:whatsapp+state:waiting")
    link = first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = viewer.get(link)

    assert first.text.count("data-open-item") == 50
    assert second.text.count("data-open-item") == 1
    assert 'value="queue:whatsapp state:waiting"' in second.text


def test_with_redis_away_a_page_says_so_and_comes_back(viewer: Browser, redis_server: Any) -> None:
    redis_server.stop()

    response = viewer.get("/dashboard")

    assert response.status_code == 503
    assert "<h1>Out of reach</h1>" in response.text
    assert "Redis can&#39;t be reached" in response.text
    redis_server.start()
    assert viewer.get("/dashboard").status_code == 200


def test_all_that_match_are_acted_on_after_a_look_at_what_that_would_do(
    operator: Browser, viewer: Browser, parts: Gateway
) -> None:
    jobs = [a_message(parts, delay=60_000) for _ in range(3)]
    assert viewer.get("/dashboard/bulk/new").status_code == 403
    look = operator.get("/dashboard/bulk/new?action=promote&filter=state:delayed")
    assert "Would promote 3 jobs" in look.text
    assert "Promote 3 jobs" in look.text
    assert actions(parts) == []

    fields = {"action": "promote", "filter": "state:delayed", "perMinute": "600", "maxErrorRate": "0.2"}
    started = operator.follow(operator.post("/dashboard/bulk/new", fields, reason="the provider is back"))

    assert "will promote 3 jobs" in started.text
    assert [(action, why) for action, _, why in actions(parts)] == [("bulk.started", "the provider is back")]
    assert "the provider is back" in viewer.get("/dashboard/bulk").text
    operation = started.request.path.rpartition("/")[2]
    assert "is stopped" in operator.follow(operator.post(f"/dashboard/bulk/{operation}/stop", reason="x")).text
    assert len(jobs) == 3


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"action": "retry", "filter": "nonsense", "reason": "x"}, "filter"),
        ({"action": "retry", "filter": "state:failed"}, "reason"),
        ({"action": "explode", "filter": "state:failed", "reason": "x"}, "action"),
        ({"action": "move", "filter": "state:failed", "reason": "x"}, "queue"),
        ({"action": "retry", "filter": "state:failed", "reason": "x", "perMinute": "often"}, "perMinute"),
        ({"action": "retry", "filter": "state:failed", "reason": "x", "maxErrorRate": "nan"}, "maxErrorRate"),
    ],
)
def test_a_wrong_bulk_operation_comes_back_with_each_error(
    operator: Browser, parts: Gateway, fields: dict[str, str], path: str
) -> None:
    response = operator.post("/dashboard/bulk/new", fields)

    assert response.status_code == 422
    assert f"<code>{path}</code>" in response.text
    assert actions(parts) == []
