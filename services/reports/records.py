"""The row of each report: asked for, ready with its file, or failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.business import ReportState
from shared.database.models import Report
from shared.database.rows import insert_new
from shared.messages.reports import GenerateReport
from shared.storage import Draft


def begin(tx: Session, job_id: str, job: GenerateReport, filters: dict[str, Any], *, now: datetime) -> None:
    """Note that the report is being made; one that failed before is being made again."""
    row = {
        "job_id": job_id,
        "type": job.type,
        "format": job.format,
        "filters": filters,
        "owner": job.user_id,
        "email": job.email,
        "state": ReportState.PENDING,
        "created_at": now,
    }
    if not insert_new(tx, Report, row):
        again = update(Report).where(Report.job_id == job_id, Report.state == ReportState.FAILED)
        tx.execute(again.values(state=ReportState.PENDING, finished_at=None))


def find(tx: Session, job_id: str) -> Report | None:
    """The job's report, None if none was begun."""
    return tx.scalar(select(Report).where(Report.job_id == job_id))


def lock(tx: Session, job_id: str) -> Report:
    """The job's report, locked until the transaction ends."""
    return tx.scalars(select(Report).where(Report.job_id == job_id).with_for_update()).one()


def save_ready(report: Report, draft: Draft, location: str, *, rows: int, now: datetime, expires_at: datetime) -> None:
    """Note the finished file."""
    report.state = ReportState.READY
    report.location = location
    report.checksum = draft.checksum
    report.size_bytes = draft.size_bytes
    report.row_count = rows
    report.finished_at = now
    report.expires_at = expires_at


def save_failed(tx: Session, job_id: str, *, now: datetime) -> None:
    """Note that the report won't be made, unless another run has made it."""
    unfinished = update(Report).where(Report.job_id == job_id, Report.state == ReportState.PENDING)
    tx.execute(unfinished.values(state=ReportState.FAILED, finished_at=now))
