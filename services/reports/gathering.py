"""From the database to facts: one generator for each report, batch by batch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType

from sqlalchemy.orm import Session

from services.reports import domain, repository
from services.reports.domain import Age, Discipline
from services.reports.facts import Bought, CreditFacts, DisciplineFacts, Facts, LiabilityFacts, VolumeFacts
from services.reports.repository import Debt, RetailerRow
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
    overdue: Counter[int] = Counter()
    disciplines = _disciplines(repository.due_orders(tx, ids), today, overdue)
    for each in batch:
        payments, paid_paisa = paid.get(each.id, (0, 0))
        orders, cancelled = counts.get(each.id, (0, 0))
        yield CreditFacts(
            each.shop,
            limit_paisa=each.limit_paisa,
            debt_paisa=each.debt_paisa,
            overdue_paisa=overdue[each.id],
            score=each.score,
            payments=payments,
            paid_paisa=paid_paisa,
            discipline=disciplines.get(each.id, NONE_DUE),
            orders=orders,
            cancelled=cancelled,
        )


def _volume(tx: Session, batch: list[RetailerRow], filters: ReportFilters, _today: date) -> Iterator[VolumeFacts]:
    ids = [retailer.id for retailer in batch]
    days = (filters.start_date, filters.end_date)
    states: dict[int, Counter[str]] = defaultdict(Counter)
    months: dict[int, Counter[str]] = defaultdict(Counter)
    for part in repository.purchases(tx, ids, *days):
        states[part.retailer_id][part.state.value] += part.orders
        months[part.retailer_id][part.month] += part.total_paisa
    bought: dict[int, list[Bought]] = defaultdict(list)
    for retailer_id, product, quantity, value_paisa in repository.products(tx, ids, *days):
        bought[retailer_id].append(Bought(product, quantity, value_paisa))
    for each in batch:
        yield VolumeFacts(each.shop, states[each.id], months[each.id], tuple(bought[each.id]))


def _discipline(
    tx: Session, batch: list[RetailerRow], filters: ReportFilters, today: date
) -> Iterator[DisciplineFacts]:
    ids = [retailer.id for retailer in batch]
    orders = repository.due_orders(tx, ids, filters.start_date, filters.end_date)
    disciplines = _disciplines(orders, today, Counter())
    for each in batch:
        yield DisciplineFacts(each.shop, disciplines.get(each.id, NONE_DUE))


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


def _disciplines(orders: Iterable[Debt], today: date, overdue: Counter[int]) -> dict[int, Discipline]:
    """The discipline of each retailer; what is past due and open is added to ``overdue``."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for order in orders:
        if order.due_on is None:
            continue
        last = order.last_paid_at
        share = domain.discipline_of(
            order.due_on,
            total_paisa=order.total_paisa,
            paid_paisa=order.paid_paisa,
            last_paid_on=None if last is None else domain.business_day(last),
            today=today,
        )
        if share is not None:
            tally = sums[order.retailer_id]
            tally[0] += share.on_time
            tally[1] += share.late
            tally[2] += share.unpaid
            tally[3] += share.days_late
            overdue[order.retailer_id] += (order.total_paisa - order.paid_paisa) * share.unpaid
    return {retailer_id: Discipline(*tally) for retailer_id, tally in sums.items()}


_GATHERERS: Mapping[ReportType, Gather] = MappingProxyType(
    {
        ReportType.CREDIT_SUMMARY: _credit,
        ReportType.PURCHASE_VOLUME: _volume,
        ReportType.PAYMENT_DISCIPLINE: _discipline,
        ReportType.OUTSTANDING_LIABILITY: _liability,
    }
)
