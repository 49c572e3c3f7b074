"""The columns of the four reports: names, headings, and how a value is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from shared.messages.fields import camel_case
from shared.messages.reports import ReportType

Cell = str | int | Decimal | date | None
"""One value of a row; money and measures are decimals with the places they are shown with, None is an empty cell."""

Row = tuple[Cell, ...]
"""The values of one retailer (or the totals), in the order of the report's columns."""


class Kind(StrEnum):
    """What a column holds, which decides its format and alignment in every file."""

    TEXT = "text"
    LONG_TEXT = "longText"
    COUNT = "count"
    MONEY = "money"
    PERCENT = "percent"
    DAYS = "days"
    RATING = "rating"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``name`` in snake case, ``heading`` in words."""

    name: str
    heading: str
    kind: Kind = Kind.TEXT

    @property
    def key(self) -> str:
        """The name in JSON."""
        return camel_case(self.name)

    @property
    def is_number(self) -> bool:
        """Whether the column is set flush right and can be summed up."""
        return self.kind not in {Kind.TEXT, Kind.LONG_TEXT, Kind.DATE}


_RETAILER = (Column("retailer_code", "Retailer Code"), Column("shop_name", "Shop Name"), Column("phone", "Phone"))

TITLES: Mapping[ReportType, str] = MappingProxyType(
    {
        ReportType.CREDIT_SUMMARY: "Credit Summary",
        ReportType.PURCHASE_VOLUME: "Purchase Volume",
        ReportType.PAYMENT_DISCIPLINE: "Payment Discipline",
        ReportType.OUTSTANDING_LIABILITY: "Outstanding Liability",
    }
)

COLUMNS: Mapping[ReportType, tuple[Column, ...]] = MappingProxyType(
    {
        ReportType.CREDIT_SUMMARY: (
            *_RETAILER,
            Column("credit_limit", "Credit Limit", Kind.MONEY),
            Column("available_credit", "Available Credit", Kind.MONEY),
            Column("outstanding_debt", "Outstanding Debt", Kind.MONEY),
            Column("utilisation_percent", "Utilisation %", Kind.PERCENT),
            Column("credit_score", "Credit Score", Kind.COUNT),
            Column("score_band", "Band"),
            Column("payments", "Payments", Kind.COUNT),
            Column("paid_amount", "Paid Amount", Kind.MONEY),
            Column("on_time_percent", "On-time %", Kind.PERCENT),
            Column("average_days_late", "Average Days Late", Kind.DAYS),
            Column("reliability_rating", "Rating", Kind.RATING),
            Column("reliability_grade", "Grade"),
        ),
        ReportType.PURCHASE_VOLUME: (
            *_RETAILER,
            Column("orders", "Orders", Kind.COUNT),
            Column("order_value", "Order Value", Kind.MONEY),
            Column("average_order_value", "Average Order Value", Kind.MONEY),
            Column("confirmed", "Confirmed", Kind.COUNT),
            Column("vendor_assigned", "Vendor Assigned", Kind.COUNT),
            Column("accepted", "Accepted", Kind.COUNT),
            Column("dispatched", "Dispatched", Kind.COUNT),
            Column("delivered", "Delivered", Kind.COUNT),
            Column("completed", "Completed", Kind.COUNT),
            Column("top_products", "Top Products", Kind.LONG_TEXT),
        ),
        ReportType.PAYMENT_DISCIPLINE: (
            *_RETAILER,
            Column("due_orders", "Due Orders", Kind.COUNT),
            Column("paid_on_time", "Paid on Time", Kind.COUNT),
            Column("paid_late", "Paid Late", Kind.COUNT),
            Column("unpaid_overdue", "Unpaid Overdue", Kind.COUNT),
            Column("on_time_percent", "On-time %", Kind.PERCENT),
            Column("average_days_late", "Average Days Late", Kind.DAYS),
        ),
        ReportType.OUTSTANDING_LIABILITY: (
            *_RETAILER,
            Column("outstanding", "Outstanding", Kind.MONEY),
            Column("not_yet_due", "Not Yet Due", Kind.MONEY),
            Column("days_1_to_30", "1-30 Days", Kind.MONEY),
            Column("days_31_to_60", "31-60 Days", Kind.MONEY),
            Column("days_61_to_90", "61-90 Days", Kind.MONEY),
            Column("over_90_days", "Over 90 Days", Kind.MONEY),
            Column("oldest_due_on", "Oldest Due Date", Kind.DATE),
        ),
    }
)

DECIMALS: Mapping[Kind, int] = MappingProxyType({Kind.MONEY: 2, Kind.PERCENT: 1, Kind.DAYS: 1, Kind.RATING: 2})
"""The decimals of each kind of number; a count has none."""
