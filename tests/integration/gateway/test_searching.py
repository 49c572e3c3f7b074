"""Jobs by filter over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.context import Gateway
from shared.broker.connection import connect
from shared.database.archive import Archiver


def archive(parts: Gateway) -> None:
    Archiver(parts.database, connect(parts.settings.redis_url)).run_once()


def search(caller: Any, text: str, **query: Any) -> Any:
    return caller.get("/jobs", query_string={"filter": text, **query})


def test_a_filter_finds_jobs_before_and_after_the_archiver_came(viewer: Any, operator: Any, parts: Gateway) -> None:
    job_id = operator.send().json["jobId"]

    before = search(viewer, "order:ORD-2026-001 phone:9800000000").json
    archive(parts)
    after = search(viewer, "order:ORD-2026-001 phone:9800000000").json

    assert [job["id"] for job in before["jobs"]] == [job["id"] for job in after["jobs"]] == [job_id]
    assert (before["unindexedEvents"], after["unindexedEvents"], after["indexLagMs"]) == (1, 0, 0)
    assert "data" not in after["jobs"][0]


def test_queue_and_state_narrow_a_filter(viewer: Any, operator: Any) -> None:
    job_id = operator.send().json["jobId"]

    assert [job["id"] for job in search(viewer, "name:message", queue="WHATSAPP", state="waiting").json["jobs"]] == [
        job_id
    ]
    assert search(viewer, "name:message", state="failed").json["jobs"] == []


def test_a_key_that_stands_in_the_filter_and_beside_it_is_refused(viewer: Any) -> None:
    answer = search(viewer, "state:failed", state="waiting")

    assert answer.status_code == 422
    assert answer.json["errors"] == {"state": ["stands in the filter too: say it in one place"]}


def test_a_wrong_filter_is_refused_with_the_nearest_term(viewer: Any) -> None:
    answer = search(viewer, "stat:failed")

    assert answer.status_code == 422
    assert "did you mean state:?" in answer.json["errors"]["filter"][0]


def test_pages_of_a_filter_meet_every_job_once(viewer: Any, operator: Any, parts: Gateway) -> None:
    sent = [operator.send(recipient=f"98000000{number:02}").json["jobId"] for number in range(7)]
    archive(parts)

    found, cursor = [], None
    while True:
        page = search(viewer, "order:ORD-2026-001", limit=3, **({"cursor": cursor} if cursor else {})).json
        found += [job["id"] for job in page["jobs"]]
        cursor = page["cursor"]
        if cursor is None:
            break

    assert sorted(found) == sorted(sent)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=40), cursor=st.text(max_size=20))
def test_no_filter_and_no_cursor_makes_a_server_error(viewer: Any, text: str, cursor: str) -> None:
    for answer in (
        search(viewer, text),
        search(viewer, "order:x", cursor=cursor),
        search(viewer, "id:x", cursor=cursor),
    ):
        assert answer.status_code in {200, 422}
