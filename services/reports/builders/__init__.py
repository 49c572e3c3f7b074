"""One builder for each report: from a retailer's facts to its row, the totals and the charts."""

from __future__ import annotations

from typing import Any

from services.reports.builders.credit_summary import CreditSummary
from services.reports.builders.outstanding_liability import OutstandingLiability
from services.reports.builders.payment_discipline import PaymentDiscipline
from services.reports.builders.protocol import Builder
from services.reports.builders.purchase_volume import PurchaseVolume
from shared.messages.reports import LiabilityFilters, ReportFilters, ReportType


def make_builder(report: ReportType, filters: ReportFilters) -> Builder[Any]:
    """The builder of a report; TypeError for filters of another report."""
    match report, filters:
        case ReportType.CREDIT_SUMMARY, _:
            return CreditSummary()
        case ReportType.PURCHASE_VOLUME, _:
            return PurchaseVolume()
        case ReportType.PAYMENT_DISCIPLINE, _:
            return PaymentDiscipline()
        case ReportType.OUTSTANDING_LIABILITY, LiabilityFilters():
            return OutstandingLiability(filters)
    raise TypeError(f"{type(filters).__name__} are not the filters of {report}")
