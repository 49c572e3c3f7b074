"""From the database to facts: one generator for each report, batch by batch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from types import MappingProxyType

from sqlalchemy.orm import Session

from services.reports import domain, punctuality, repository, volume
from services.reports.domain import Age, Discipline
from services.reports.facts import CreditFacts, DisciplineFacts, Facts, LiabilityFacts, SalesFacts, VolumeFacts
from services.reports.repository import RetailerRow
from shared.messages.reports import ReportFilters, ReportType

NONE_DUE = Discipline()

Gather = Callable[[Session, list[RetailerRow], ReportFilters, date], Iterator[Facts]]


def gather(
    tx: Session, report: ReportType, filters: ReportFilters, *, today: date, done: Callable[[int], object]
) -> Iterator[Facts]:
    """The facts of every retailer that the filters let through, by code; ``done`` hears how many after each batch."""
    count = 0
    for batch in repository.retailers(tx, filters):
        yield from _GATHERERS[report](tx, batch, filters, today)
        count += len(batch)
        done(count)


def _credit(tx: Session, batch: list[RetailerRow], filters: ReportFilters, today: date) -> Iterator[CreditFacts]:
    ids = [retailer.id for retailer in batch]
    paid = repository.payments(tx, ids, filters.start_date, filters.end_date)
    counts = repository.order_counts(tx, ids)
    punctual = punctuality.disciplines(tx, ids, today)
    for each in batch:
        payments, paid_paisa = paid.get(each.id, (0, 0))
        orders, cancelled = counts.get(each.id, (0, 0))
        discipline, overdue_paisa = punctual.get(each.id, (NONE_DUE, 0))
        yield CreditFacts(
            each.shop,
            limit_paisa=each.limit_paisa,
            debt_paisa=each.debt_paisa,
            overdue_paisa=overdue_paisa,
            score=each.score,
            payments=payments,
            paid_paisa=paid_paisa,
            discipline=discipline,
            orders=orders,
            cancelled=cancelled,
        )


def _volume(
    tx: Session, batch: list[RetailerRow], filters: ReportFilters, _today: date
) -> Iterator[VolumeFacts | SalesFacts]:
    ids = [retailer.id for retailer in batch]
    days = (filters.start_date, filters.end_date)
    states: dict[int, Counter[str]] = defaultdict(Counter)
    values: Counter[int] = Counter()
    for part in volume.purchases(tx, ids, *days):
        states[part.retailer_id][part.state.value] += part.orders
        values[part.retailer_id] += part.total_paisa
    products = volume.products(tx, ids, *days)
    yield SalesFacts(volume.months(tx, ids, *days), products.of_all)
    for each in batch:
        yield VolumeFacts(each.shop, states[each.id], values[each.id], tuple(products.of_each.get(each.id, ())))


def _discipline(
    tx: Session, batch: list[RetailerRow], filters: ReportFilters, today: date
) -> Iterator[DisciplineFacts]:
    ids = [retailer.id for retailer in batch]
    punctual = punctuality.disciplines(tx, ids, today, filters.start_date, filters.end_date)
    for each in batch:
        discipline, _ = punctual.get(each.id, (NONE_DUE, 0))
        yield DisciplineFacts(each.shop, discipline)


def _liability(tx: Session, batch: list[RetailerRow], filters: ReportFilters, today: date) -> Iterator[LiabilityFacts]:
    as_of = domain.as_of_day(filters.end_date, today)
    ids = [retailer.id for retailer in batch]
    amounts: dict[int, list[int]] = defaultdict(lambda: [0] * len(Age))
    oldest: dict[int, date] = {}
    for order in repository.open_orders(tx, ids, as_of=as_of, today=today, start=filters.start_date):
        open_paisa = order.total_paisa - order.paid_paisa
        if open_paisa <= 0:
            continue
        amounts[order.retailer_id][domain.age_of(order.due_on, as_of)] += open_paisa
        if order.due_on is not None:
            oldest[order.retailer_id] = min(order.due_on, oldest.get(order.retailer_id, order.due_on))
    for each in batch:
        first, second, third, fourth, fifth = amounts[each.id]
        yield LiabilityFacts(each.shop, (first, second, third, fourth, fifth), oldest.get(each.id))


_GATHERERS: Mapping[ReportType, Gather] = MappingProxyType(
    {
        ReportType.CREDIT_SUMMARY: _credit,
        ReportType.PURCHASE_VOLUME: _volume,
        ReportType.PAYMENT_DISCIPLINE: _discipline,
        ReportType.OUTSTANDING_LIABILITY: _liability,
    }
)
