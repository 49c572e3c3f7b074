"""Report files go when their time is over, and so do drafts that dead workers left behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.housekeeping.parts import Parts
from shared import logs
from shared.business import ReportState
from shared.clock import Clock
from shared.database.models import Report
from shared.errors import TransientError
from shared.storage import ReportStorage, StorageUnavailable, make_storage

AT_ONCE = 100
MOST_FAILURES = 3
"""After so many the store is away, and asking on only takes time."""
DRAFT_KEPT = timedelta(days=1)
"""No report takes that long to be moved into place."""

_log = logs.get_logger()


def remove_expired_reports(parts: Parts) -> str:
    """Remove the files of reports past their time and mark them EXPIRED; TransientError if files stay.

    The file goes first: who is killed in between finds the row again, and a file that is gone is no error.
    """
    storage = make_storage(parts.settings)
    now = parts.settings.clock().now()
    removed = failures = 0
    last = 0
    while True:
        with parts.database.reader() as tx:
            expired = _expired(tx, now, after=last)
        for report_id, location in expired:
            last = report_id
            try:
                storage.remove(location)
            except (StorageUnavailable, OSError) as error:
                failures += 1
                _complain(error)
                if failures >= MOST_FAILURES:
                    raise TransientError(f"{failures} expired report files could not be removed") from error
                continue
            with parts.database.session() as tx:
                removed += _mark(tx, report_id)
        if len(expired) < AT_ONCE:
            break
    if failures:
        raise TransientError(f"{failures} expired report files could not be removed, {removed} were")
    return f"removed {removed} expired report files and {_remove_drafts(storage)} drafts"


def _expired(tx: Session, now: datetime, *, after: int) -> list[tuple[int, str]]:
    query = (
        select(Report.id, Report.location)
        .where(Report.state == ReportState.READY, Report.expires_at <= now, Report.id > after)
        .order_by(Report.id)
        .limit(AT_ONCE)
    )
    return [(row.id, row.location) for row in tx.execute(query)]


def _mark(tx: Session, report_id: int) -> int:
    """Note that the file is gone; 0 if another scheduler noted it."""
    report = tx.scalar(select(Report).where(Report.id == report_id).with_for_update())
    if report is None or report.state is not ReportState.READY:
        return 0
    report.state, report.location = ReportState.EXPIRED, None
    return 1


def _remove_drafts(storage: ReportStorage) -> int:
    # The store's own dates are true time, whatever CLOCK_OFFSET says.
    return storage.remove_drafts(Clock().now() - DRAFT_KEPT)


def _complain(error: Exception) -> None:
    message = "An expired report file could not be removed"
    _log.warning("report.not_removed", message=message, error=type(error).__name__, reason=str(error))
