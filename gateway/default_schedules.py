"""The schedules that exist from the start, at business time; those whose housekeeping is not there yet don't."""

from __future__ import annotations

from datetime import datetime

from gateway.housekeeping import FUNCTIONS
from shared.broker.options import NewJob
from shared.clock import BUSINESS_ZONE
from shared.jobs import new_job
from shared.messages.reports import GenerateReport, LiabilityFilters, ReportFormat, ReportType
from shared.messages.routing import ExpireOffers
from shared.schedules import Cron, Housekeeping, Schedule, ScheduledJob
from shared.schedules.model import SYSTEM, Work
from shared.settings import Settings

HOUSEKEEPING = (
    ("credit-scores", "0 2 * * *", "Credit scores of all retailers"),
    ("clean-jobs", "0 3 * * *", "Remove jobs completed more than 24 hours ago and failed ones older than 7 days"),
    ("remove-expired-reports", "0 3 * * *", "Remove expired report files"),
    ("mark-overdue", "55 8 * * *", "Mark orders overdue"),
    ("remind-retailers", "0 9 * * *", "Payment reminders"),
    ("vendor-records", "*/15 * * * *", "Count what vendors did with their offers and orders of the last 180 days"),
)
"""Name (also of the function in the registry), time in Kathmandu, description."""

EXPIRE_OFFERS = ("expire-offers", "*/15 * * * *", "Expire offers that no vendor answered in time")


def default_schedules(settings: Settings, now: datetime) -> list[Schedule]:
    """What ``ScheduleStore.seed`` makes sure of at the start of a scheduler; the report needs REPORT_EMAIL_TO."""
    made = [
        _schedule(name, cron, Housekeeping(name), text, now) for name, cron, text in HOUSEKEEPING if name in FUNCTIONS
    ]
    name, cron, text = EXPIRE_OFFERS
    made.append(_schedule(name, cron, ScheduledJob.of(new_job(ExpireOffers())), text, now))
    if settings.report_email_to is not None:
        work = ScheduledJob.of(_liability_report(settings.report_email_to))
        made.append(_schedule("liability-report", "0 7 * * MON", work, "Liability report by e-mail", now))
    return made


def _liability_report(email: str) -> NewJob:
    kind = ReportType.OUTSTANDING_LIABILITY
    return new_job(GenerateReport(kind, ReportFormat.PDF, SYSTEM, LiabilityFilters(), email))


def _schedule(name: str, cron: str, work: Work, description: str, now: datetime) -> Schedule:
    zone = BUSINESS_ZONE.key
    return Schedule(
        id=name,
        timing=Cron(cron, zone),
        work=work,
        zone=zone,
        created_at=now,
        created_by=SYSTEM,
        updated_at=now,
        updated_by=SYSTEM,
        description=description,
    )
