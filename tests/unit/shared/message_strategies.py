"""Hypothesis strategies: any message that the schemas take, and JSON that knows nothing of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from hypothesis import strategies as st

from shared.messages import (
    AlertOperator,
    AnswerOffer,
    ExpireOffers,
    GenerateReport,
    ProcessOrder,
    RemindRetailer,
    RouteOrder,
    ScoreRetailer,
    SendReport,
    credit,
    orders,
    reports,
    routing,
    whatsapp,
)
from shared.messages import SendMessage as Send
from shared.messages.fields import MAX_MONEY, MAX_QUANTITY
from shared.messages.reminders import ReminderType

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


def text(longest: int, *, multiline: bool = False) -> st.SearchStrategy[str]:
    """Text as people write it, in any script, the characters that no message may hold left out."""
    allowed = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], include_characters="\n\t" if multiline else "")
    return st.text(allowed, min_size=1, max_size=min(longest, 60)).filter(lambda value: not value.isspace())


def optional(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


def one_of(enum: type[E]) -> st.SearchStrategy[E]:
    return st.sampled_from(list(enum))


ids = text(64)
money = st.decimals(0, MAX_MONEY, places=2)
signed_money = st.decimals(-MAX_MONEY, MAX_MONEY, places=2)
quantities = st.decimals(Decimal("0.001"), MAX_QUANTITY, places=3).map(
    lambda value: Decimal(int(value)) if value == int(value) else value.normalize()
)
days = st.dates(date(1900, 1, 2), date(9000, 1, 1))
instants = st.datetimes(datetime(1900, 1, 2), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
phones = st.from_regex(r"\+9779(?:00|6[0-3]|7[0-24-6]|8[0-24-68])[0-9]{7}", fullmatch=True) | st.sampled_from(
    ["+14155552671", "+919876543210", "+97714412345"]
)
order_lines = st.lists(st.builds(whatsapp.OrderLine, text(200), quantities, money), min_size=1, max_size=4).map(tuple)

whatsapp_data: dict[whatsapp.MessageType, st.SearchStrategy[Any]] = {
    whatsapp.MessageType.ORDER_CONFIRMATION: st.builds(whatsapp.OrderConfirmation, ids, money, order_lines),
    whatsapp.MessageType.VENDOR_NOTIFICATION: st.builds(
        whatsapp.VendorNotification, ids, text(200), money, order_lines
    ),
    whatsapp.MessageType.DELIVERY_UPDATE: st.builds(
        whatsapp.DeliveryUpdate,
        ids,
        one_of(whatsapp.DeliveryStatus),
        optional(text(500, multiline=True)),
        optional(days),
    ),
    whatsapp.MessageType.PAYMENT_REMINDER: st.builds(
        whatsapp.PaymentReminder,
        one_of(ReminderType),
        text(200),
        money,
        st.lists(st.builds(whatsapp.DueOrder, ids, money, days), min_size=1, max_size=3).map(tuple),
        st.sampled_from([None, "https://pay.example.com/RET001?order=1"]),
    ),
    whatsapp.MessageType.BALANCE_INQUIRY_RESPONSE: st.builds(
        whatsapp.BalanceInquiryResponse, money, signed_money, signed_money, optional(days)
    ),
    whatsapp.MessageType.GENERIC_MESSAGE: st.builds(whatsapp.GenericMessage, text(4096, multiline=True)),
}
order_data: dict[orders.OrderAction, st.SearchStrategy[Any]] = {
    orders.OrderAction.CONFIRM: st.just(orders.NoData()),
    orders.OrderAction.ASSIGN_VENDOR: st.builds(orders.VendorAssignment, ids),
    orders.OrderAction.UPDATE_STATUS: st.builds(
        orders.StatusUpdate, one_of(orders.OrderStatus), optional(text(500, multiline=True)), optional(instants)
    ),
    orders.OrderAction.COMPLETE: st.just(orders.NoData()),
    orders.OrderAction.CANCEL: st.builds(orders.Cancellation, text(500), one_of(orders.CancelledBy)),
    orders.OrderAction.RECORD_PAYMENT: st.builds(
        orders.PaymentRecord,
        ids,
        st.decimals(Decimal("0.01"), MAX_MONEY, places=2),
        one_of(orders.PaymentMethod),
        instants,
    ),
    orders.OrderAction.REVERSE_PAYMENT: st.builds(orders.PaymentReversal, ids, text(500)),
}
ranges = st.tuples(optional(days), optional(days)).map(
    lambda pair: tuple(sorted(pair)) if pair[0] and pair[1] else pair  # type: ignore[type-var]  # both are days here
)
scores = st.tuples(optional(st.integers(300, 600)), optional(st.integers(600, 900)))
score_filters = st.builds(
    lambda dates, retailer, city, limits: reports.ScoreFilters(
        dates[0], dates[1], retailer, city, limits[0], limits[1]
    ),
    ranges,
    optional(ids),
    optional(text(100)),
    scores,
)
volume_filters = st.builds(
    lambda dates, retailer, city: reports.VolumeFilters(dates[0], dates[1], retailer, city),
    ranges,
    optional(ids),
    optional(text(100)),
)
liability_filters = st.builds(
    lambda dates, city, overdue, amount: reports.LiabilityFilters(dates[0], dates[1], None, city, overdue, amount),
    ranges,
    optional(text(100)),
    optional(st.booleans()),
    optional(money),
)
report_filters: dict[reports.ReportType, st.SearchStrategy[Any]] = {
    reports.ReportType.CREDIT_SUMMARY: score_filters,
    reports.ReportType.PURCHASE_VOLUME: volume_filters,
    reports.ReportType.PAYMENT_DISCIPLINE: score_filters,
    reports.ReportType.OUTSTANDING_LIABILITY: liability_filters,
}
wanted_items = st.lists(st.builds(routing.WantedItem, ids, quantities, optional(money)), min_size=1, max_size=3)
order_of_routing = st.builds(routing.OrderData, ids, wanted_items.map(tuple))

messages: dict[type[Any], st.SearchStrategy[Any]] = {
    Send: one_of(whatsapp.MessageType).flatmap(
        lambda kind: st.builds(Send, st.just(kind), phones, whatsapp_data[kind], one_of(whatsapp.Language))
    ),
    ScoreRetailer: st.builds(ScoreRetailer, ids, one_of(credit.Trigger)),
    RouteOrder: st.builds(RouteOrder, ids, order_of_routing, st.integers(1, 100), optional(ids))
    | st.builds(RouteOrder, ids, st.none(), st.integers(2, 100), optional(ids)),
    AnswerOffer: st.builds(AnswerOffer, ids, ids, one_of(routing.Answer), optional(text(500))),
    ExpireOffers: st.builds(ExpireOffers),
    AlertOperator: st.builds(AlertOperator, ids),
    SendReport: st.builds(SendReport, text(256)),
    RemindRetailer: st.builds(RemindRetailer, ids, one_of(ReminderType), optional(ids)),
    GenerateReport: one_of(reports.ReportType).flatmap(
        lambda kind: st.builds(
            GenerateReport,
            st.just(kind),
            one_of(reports.ReportFormat),
            ids,
            report_filters[kind],
            st.sampled_from([None, "admin@example.com"]),
        )
    ),
    ProcessOrder: one_of(orders.OrderAction).flatmap(
        lambda action: st.builds(ProcessOrder, ids, st.just(action), order_data[action])
    ),
}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
)
