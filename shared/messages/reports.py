"""Messages of the queue ``reports``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from marshmallow import ValidationError, validates_schema

from shared.messages.base import ContractSchema, Message, OneByKind
from shared.messages.contact_fields import BusinessDate, EmailAddress
from shared.messages.fields import Choice, Flag, Id, Money, Text, Whole
from shared.queues import Queue

LOWEST_SCORE = 300
HIGHEST_SCORE = 900
CITY_LENGTH = 100
JOB_ID_LENGTH = 256


class ReportType(StrEnum):
    """What a report is about."""

    CREDIT_SUMMARY = "CREDIT_SUMMARY"
    PURCHASE_VOLUME = "PURCHASE_VOLUME"
    PAYMENT_DISCIPLINE = "PAYMENT_DISCIPLINE"
    OUTSTANDING_LIABILITY = "OUTSTANDING_LIABILITY"


class ReportFormat(StrEnum):
    """The file that a report becomes."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class VolumeFilters:
    """Filters that every report knows; dates are business days, both inclusive."""

    start_date: date | None = None
    end_date: date | None = None
    retailer_id: str | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True)
class ScoreFilters(VolumeFilters):
    """Also by credit score, 300 to 900, both inclusive."""

    min_score: int | None = None
    max_score: int | None = None


@dataclass(frozen=True, slots=True)
class LiabilityFilters(VolumeFilters):
    """Also by what is overdue and by amount in rupees."""

    overdue_only: bool | None = None
    min_amount: Decimal | None = None


ReportFilters = VolumeFilters | ScoreFilters | LiabilityFilters


@dataclass(frozen=True, slots=True)
class SendReport(Message):
    """Send the finished report of the job ``report_id`` to the address that was asked for with it."""

    QUEUE: ClassVar[Queue] = Queue.REPORT_GENERATION
    JOB_NAME: ClassVar[str] = "report-email"

    report_id: str


@dataclass(frozen=True, slots=True)
class GenerateReport(Message):
    """Make a report for a user, and send it to ``email`` if given. The class of ``filters`` goes with ``type``."""

    QUEUE: ClassVar[Queue] = Queue.REPORT_GENERATION
    JOB_NAME: ClassVar[str] = "report"

    type: ReportType
    format: ReportFormat
    user_id: str
    filters: ReportFilters = field(default_factory=VolumeFilters)
    email: str | None = None


class VolumeFiltersSchema(ContractSchema):
    """The JSON of ``VolumeFilters``."""

    TARGET = VolumeFilters
    start_date = BusinessDate(required=False)
    end_date = BusinessDate(required=False)
    retailer_id = Id(required=False)
    city = Text(CITY_LENGTH, required=False)

    @validates_schema(skip_on_field_errors=True)
    def check_ranges(self, values: dict[str, Any], **_: Any) -> None:
        """A range must not end before it starts."""
        for low, high, rule in (
            ("start_date", "end_date", ("endDate", "must not be before startDate")),
            ("min_score", "max_score", ("maxScore", "must not be below minScore")),
        ):
            first, last = values.get(low), values.get(high)
            if first is not None and last is not None and last < first:
                raise ValidationError(rule[1], rule[0])


class ScoreFiltersSchema(VolumeFiltersSchema):
    """The JSON of ``ScoreFilters``."""

    TARGET = ScoreFilters
    min_score = Whole(LOWEST_SCORE, HIGHEST_SCORE, required=False)
    max_score = Whole(LOWEST_SCORE, HIGHEST_SCORE, required=False)


class LiabilityFiltersSchema(VolumeFiltersSchema):
    """The JSON of ``LiabilityFilters``."""

    TARGET = LiabilityFilters
    overdue_only = Flag(required=False)
    min_amount = Money(required=False)


FILTER_SCHEMAS: dict[str, type[ContractSchema]] = {
    ReportType.CREDIT_SUMMARY: ScoreFiltersSchema,
    ReportType.PURCHASE_VOLUME: VolumeFiltersSchema,
    ReportType.PAYMENT_DISCIPLINE: ScoreFiltersSchema,
    ReportType.OUTSTANDING_LIABILITY: LiabilityFiltersSchema,
}


class GenerateReportSchema(ContractSchema):
    """The JSON of ``GenerateReport``."""

    TARGET = GenerateReport
    type = Choice(ReportType)
    format = Choice(ReportFormat)
    filters = OneByKind("type", FILTER_SCHEMAS, empty_if_absent=True)
    user_id = Id()
    email = EmailAddress(required=False)


class SendReportSchema(ContractSchema):
    """The JSON of ``SendReport``."""

    TARGET = SendReport
    report_id = Text(JOB_ID_LENGTH)
