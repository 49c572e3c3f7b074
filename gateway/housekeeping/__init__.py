"""The housekeeping that schedules can ask of the scheduler process, by name.

A function is repeated if its process dies while it runs, so each must bear that. What it returns is shown with the
schedule's last run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.housekeeping.cleaning import clean_jobs
from gateway.housekeeping.credit import score_retailers
from gateway.housekeeping.orders import mark_overdue
from gateway.housekeeping.parts import Parts
from gateway.housekeeping.reminders import remind_retailers
from gateway.housekeeping.reports import remove_expired_reports
from gateway.housekeeping.vendors import count_vendor_records

__all__ = ["FUNCTIONS", "Parts"]

FUNCTIONS: Mapping[str, Callable[[Parts], str]] = {
    "clean-jobs": clean_jobs,
    "credit-scores": score_retailers,
    "mark-overdue": mark_overdue,
    "remind-retailers": remind_retailers,
    "remove-expired-reports": remove_expired_reports,
    "vendor-records": count_vendor_records,
}
"""Every name that a schedule may have as its housekeeping."""
