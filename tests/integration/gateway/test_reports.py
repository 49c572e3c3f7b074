"""Reports over HTTP: who may ask for and see which, and what a download is."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from gateway.context import Gateway
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.broker.states import State
from shared.business import ReportState
from shared.database.base import utc_now
from shared.database.models import Report
from shared.messages.reports import ReportFormat, ReportType
from shared.settings_storage import StorageSettings
from shared.storage import location_of
from shared.storage.bucket import BucketStorage
from tests.integration.gateway.conftest import Api

BODY: dict[str, Any] = {"type": "CREDIT_SUMMARY", "format": "csv", "filters": {"city": "Kathmandu"}}
CONTENT = "Retailer Code,Shop Name\r\nRET001,श्री स्टोर\r\n".encode()

Ready = Callable[..., str]


@pytest.fixture
def ready(parts: Gateway, operator: Api) -> Ready:
    """Asks for a report as the operator and makes it as the worker would; gives its job's id."""

    def make(content: bytes = CONTENT, **body: Any) -> str:
        job_id: str = operator.post("/reports", BODY | body).get_json()["jobId"]
        begin(parts, job_id, ReportFormat((BODY | body)["format"]))
        draft = parts.storage.save_draft(io.BytesIO(content))
        location = location_of(job_id, ReportFormat.CSV)
        parts.storage.put_in_place(draft, location)
        now = utc_now()
        change(
            parts,
            job_id,
            state=ReportState.READY,
            location=location,
            checksum=draft.checksum,
            size_bytes=draft.size_bytes,
            row_count=1,
            finished_at=now,
            expires_at=now + timedelta(days=7),
        )
        return job_id

    return make


def begin(parts: Gateway, job_id: str, report_format: ReportFormat = ReportFormat.CSV) -> None:
    with parts.database.session() as tx:
        tx.add(
            Report(
                job_id=job_id,
                type=ReportType.CREDIT_SUMMARY,
                format=report_format,
                filters={"city": "Kathmandu"},
                owner="the operator",
            )
        )


def change(parts: Gateway, job_id: str, **columns: Any) -> None:
    with parts.database.session() as tx:
        tx.execute(update(Report).where(Report.job_id == job_id).values(**columns))


def download(api: Api, job_id: str, **options: Any) -> TestResponse:
    """The answer, read to its end and closed as a server does it."""
    return api.get(f"/reports/{job_id}/download", buffered=True, **options)


def another(app: Flask, role: Role) -> Api:
    with app.extensions["doko"].database.session() as tx:
        return Api(app, create_token(tx, user="somebody else", role=role, actor=Actor("test")).secret)


def test_a_report_belongs_to_the_user_of_the_token(operator: Api, parts: Gateway) -> None:
    answer = operator.post("/reports", BODY)

    assert answer.status_code == 202
    job = parts.store.job(answer.get_json()["jobId"])
    assert job.data == BODY | {"userId": "the operator"}
    assert answer.headers["Location"] == f"/api/v1/reports/{job.id}"
    assert answer.get_json()["queue"] == "REPORT_GENERATION"


def test_only_an_admin_asks_for_somebody_elses_report(operator: Api, admin: Api, viewer: Api, parts: Gateway) -> None:
    body = BODY | {"userId": "sita"}
    refused = operator.post("/reports", body)
    assert (refused.status_code, refused.get_json()["errors"]) == (403, {"userId": ["is not the user of this token"]})
    assert viewer.post("/reports", BODY).status_code == 403

    job_id = admin.post("/reports", body).get_json()["jobId"]
    assert parts.store.job(job_id).data["userId"] == "sita"
    assert operator.post("/reports", BODY | {"userId": "the operator"}).status_code == 202


def test_the_generic_way_to_a_report_is_guarded_too(operator: Api) -> None:
    job = {"name": "report", "data": BODY | {"userId": "sita"}}
    assert operator.post("/queues/REPORT_GENERATION/jobs", job).status_code == 403
    bulk = operator.post("/queues/REPORT_GENERATION/jobs/bulk", {"jobs": [job]})
    assert (bulk.status_code, list(bulk.get_json()["errors"])) == (422, ["jobs.0.userId"])


def test_wrong_filters_are_named(operator: Api) -> None:
    answer = operator.post("/reports", BODY | {"type": "PURCHASE_VOLUME", "filters": {"minScore": 500}})
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["filters.minScore"]


def test_a_report_that_waits_is_pending(operator: Api) -> None:
    job_id = operator.post("/reports", BODY).get_json()["jobId"]
    report = operator.get(f"/reports/{job_id}").get_json()
    assert (report["state"], report["progress"], report["owner"]) == ("PENDING", 0, "the operator")
    assert (report["type"], report["format"], report["filters"]) == ("CREDIT_SUMMARY", "csv", {"city": "Kathmandu"})
    assert (report["size"], report["checksum"], report["expiresAt"], report["error"]) == (None, None, None, None)

    early = download(operator, job_id)
    assert (early.status_code, early.get_json()["code"]) == (409, "report_not_ready")
    assert early.get_json()["errors"] == {"state": ["PENDING"]}


def test_a_ready_report_tells_size_checksum_and_expiry(operator: Api, ready: Ready) -> None:
    report = operator.get(f"/reports/{ready()}").get_json()
    assert (report["state"], report["progress"], report["rowCount"]) == ("READY", 100, 1)
    assert (report["size"], report["checksum"]) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert report["expiresAt"] > report["finishedAt"]


def test_a_download_is_the_file_with_name_type_length_and_checksum(operator: Api, ready: Ready) -> None:
    answer = download(operator, ready())

    assert answer.status_code == 200
    assert answer.data == CONTENT
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    name = answer.headers["Content-Disposition"].removeprefix("attachment; filename=")
    assert name.startswith('"credit-summary-20')
    assert name.endswith('.csv"')
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert answer.headers["ETag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_who_has_the_file_already_does_not_get_it_again(operator: Api, ready: Ready) -> None:
    job_id = ready()
    tag = download(operator, job_id).headers["ETag"]
    again = download(operator, job_id, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_a_head_request_tells_the_length_without_the_file(operator: Api, ready: Ready) -> None:
    answer = operator.call("HEAD", f"/reports/{ready()}/download", buffered=True)
    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (200, b"", str(len(CONTENT)))


@pytest.mark.parametrize(("report_format", "content_type"), [("pdf", "application/pdf"), ("json", "application/json")])
def test_each_format_has_its_content_type(operator: Api, ready: Ready, report_format: str, content_type: str) -> None:
    answer = download(operator, ready(format=report_format))
    assert answer.headers["Content-Type"] == content_type


def test_only_the_owner_and_admins_see_a_report(app: Flask, operator: Api, admin: Api, ready: Ready) -> None:
    job_id = ready()
    for api, status in ((another(app, Role.OPERATOR), 404), (admin, 200), (operator, 200)):
        assert api.get(f"/reports/{job_id}").status_code == status
        assert download(api, job_id).status_code == status


def test_nobody_learns_whether_somebody_else_has_a_waiting_report(app: Flask, operator: Api) -> None:
    job_id = operator.post("/reports", BODY).get_json()["jobId"]
    unknown, foreign = (
        another(app, Role.OPERATOR).get(f"/reports/{each}").get_json() for each in ("reports-none", job_id)
    )
    assert unknown["code"] == foreign["code"] == "report_not_found"


def test_an_unknown_report_and_a_job_that_makes_none_are_404(operator: Api, admin: Api) -> None:
    message = operator.send().get_json()["jobId"]
    for job_id in ("reports-none", "nonsense", message):
        assert admin.get(f"/reports/{job_id}").status_code == 404
        assert download(admin, job_id).status_code == 404


def test_a_report_past_its_time_is_expired_before_its_file_is_removed(
    operator: Api, ready: Ready, parts: Gateway
) -> None:
    job_id = ready()
    change(parts, job_id, created_at=utc_now() - timedelta(days=8), expires_at=utc_now() - timedelta(seconds=1))
    assert operator.get(f"/reports/{job_id}").get_json()["state"] == "EXPIRED"
    answer = download(operator, job_id)
    assert (answer.status_code, answer.get_json()["code"]) == (410, "report_expired")


def test_a_file_that_is_gone_is_a_410(operator: Api, ready: Ready, parts: Gateway) -> None:
    job_id = ready()
    parts.storage.remove(location_of(job_id, ReportFormat.CSV))
    assert download(operator, job_id).status_code == 410


def test_a_failed_report_tells_why(operator: Api, parts: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = operator.post("/reports", BODY).get_json()["jobId"]
    begin(parts, job_id)
    change(parts, job_id, state=ReportState.FAILED, finished_at=utc_now())
    job = replace(
        parts.store.job(job_id), state=State.FAILED, errors=[{"type": "Refused", "message": "no such city", "at": 1}]
    )
    monkeypatch.setattr(parts.store, "job", lambda _id: job)

    report = operator.get(f"/reports/{job_id}").get_json()

    assert (report["state"], report["error"]["message"]) == ("FAILED", "no such city")
    assert download(operator, job_id).get_json()["errors"] == {"state": ["FAILED"]}


def test_a_cancelled_report_has_failed_although_no_worker_said_so(operator: Api) -> None:
    job_id = operator.post("/reports", BODY).get_json()["jobId"]
    operator.delete(f"/jobs/{job_id}")
    assert operator.get(f"/reports/{job_id}").get_json()["state"] == "FAILED"


def test_a_download_from_a_bucket(app: Flask, operator: Api, ready: Ready, bucket: StorageSettings) -> None:
    app.extensions["doko"] = replace(app.extensions["doko"], storage=BucketStorage(bucket))
    content = b"x" * 1_000_000
    draft = app.extensions["doko"].storage.save_draft(io.BytesIO(content))
    job_id = ready(content)
    app.extensions["doko"].storage.put_in_place(draft, location_of(job_id, ReportFormat.CSV))

    answer = download(operator, job_id)

    assert (answer.status_code, hashlib.sha256(answer.data).hexdigest()) == (200, draft.checksum)


def test_a_store_that_is_away_is_a_503(app: Flask, operator: Api, ready: Ready, bucket: StorageSettings) -> None:
    job_id = ready()
    away = BucketStorage(replace(bucket, endpoint_url="http://127.0.0.1:9"))
    app.extensions["doko"] = replace(app.extensions["doko"], storage=away)

    answer = download(operator, job_id)

    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_unavailable")


def test_asking_twice_with_one_idempotency_key_makes_one_report(operator: Api) -> None:
    headers = {"Idempotency-Key": "monday"}
    first, second = (operator.post("/reports", BODY, headers=headers).get_json()["jobId"] for _ in range(2))
    assert first == second
