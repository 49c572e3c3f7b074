"""What the gateway reads of reports: the row of one that was begun, and the job of one that waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from gateway.answers import Json
from gateway.context import current_gateway
from gateway.errors import Problem
from gateway.job_views import job_summary
from gateway.report_owners import is_allowed
from shared.broker.states import State
from shared.business import ReportState
from shared.clock import to_iso
from shared.database.models import Report
from shared.errors import JobNotFound
from shared.job_records import Job
from shared.messages import GenerateReport

_HAS_FILE = frozenset({ReportState.READY, ReportState.EXPIRED})
_GIVEN_UP = frozenset({State.FAILED, State.CANCELLED})
_DONE_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A report as its row (none until a worker begins) and its job (none once it is forgotten or unneeded) tell it."""

    job_id: str
    state: ReportState
    row: Report | None
    job: Job | None


def find_report(job_id: str) -> Found:
    """The caller's report. Raises Problem 404 for one that is unknown or somebody else's."""
    with current_gateway().database.reader() as tx:
        row = tx.scalar(select(Report).where(Report.job_id == job_id))
    job = None if row is not None and row.state in _HAS_FILE else _job(job_id)
    owner = row.owner if row is not None else job.data.get("userId") if job is not None else None
    if owner is None or not is_allowed(owner):
        # Whether somebody else has a report of that name is not the caller's business.
        raise Problem(404, f"You have no report with the job id {job_id}", code="report_not_found")
    return Found(job_id, _state(row, job), row, job)


def report_view(found: Found) -> Json:
    """Everything about a report but its file."""
    job = found.job
    failed = job if found.state is ReportState.FAILED else None
    view = _begun(found.row) if found.row is not None else _asked_for(job)
    return {
        "jobId": found.job_id,
        "state": found.state.value,
        "progress": _progress(found),
        "error": job_summary(failed)["error"] if failed is not None else None,
        **view,
    }


def _begun(row: Report) -> Json:
    return {
        "type": row.type.value,
        "format": row.format.value,
        "filters": row.filters,
        "owner": row.owner,
        "rowCount": row.row_count,
        "size": row.size_bytes,
        "checksum": row.checksum,
        "createdAt": _time(row.created_at),
        "finishedAt": _time(row.finished_at),
        "expiresAt": _time(row.expires_at),
    }


def _asked_for(job: Job | None) -> Json:
    asked: Json = {} if job is None else job.data
    nothing_yet = dict.fromkeys(("rowCount", "size", "checksum", "finishedAt", "expiresAt"))
    return {
        "type": asked.get("type"),
        "format": asked.get("format"),
        "filters": asked.get("filters", {}),
        "owner": asked.get("userId"),
        "createdAt": None if job is None else to_iso(job.created_at_ms),
        **nothing_yet,
    }


def _job(job_id: str) -> Job | None:
    try:
        job = current_gateway().store.job(job_id)
    except JobNotFound:
        return None
    return job if (job.queue, job.name) == (GenerateReport.QUEUE, GenerateReport.JOB_NAME) else None


def _state(row: Report | None, job: Job | None) -> ReportState:
    if row is not None and row.expires_at is not None and row.expires_at <= current_gateway().settings.clock().now():
        return ReportState.EXPIRED
    if job is None:
        return ReportState.FAILED if row is None else row.state
    # A job that was cancelled, or stalled too often, ended without its worker's last word; an operator's retry
    # waits while the row still says FAILED.
    return ReportState.FAILED if job.state in _GIVEN_UP else ReportState.PENDING


def _progress(found: Found) -> int:
    if found.state in _HAS_FILE:
        return _DONE_PERCENT
    progress = found.job.progress if found.job is not None else None
    return int(progress) if isinstance(progress, int | float) else 0


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else to_iso(round(instant.timestamp() * 1000))
