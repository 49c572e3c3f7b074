"""What the demo's shops do: orders in every state, in order, paid well and badly, more before Dashain."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from gateway.demo.history import Trade
from gateway.demo.payers import IN_TEN
from gateway.demo.seasons import Seasons, demand_on
from shared import bookkeeping
from shared.business import OrderState
from shared.clock import BUSINESS_ZONE
from shared.messages.orders import CancelledBy
from shared.money import to_paisa
from tests.unit.gateway.demo.telling import Told, tell

S = OrderState
TIMES = {
    S.CONFIRMED: "confirmed_at",
    S.ACCEPTED: "accepted_at",
    S.DISPATCHED: "dispatched_at",
    S.DELIVERED: "delivered_at",
    S.COMPLETED: "completed_at",
}


def test_an_orders_amounts_are_those_of_its_items(told: Told) -> None:
    items = defaultdict(list)
    for row in told.items:
        items[row.order_number].append((row.quantity, to_paisa(row.unit_price)))

    for order in told.orders:
        expected = bookkeeping.totals(items[order.number])
        assert to_paisa(order.subtotal or Decimal(-1)) == expected.subtotal_paisa
        assert to_paisa(order.tax or Decimal(-1)) == expected.tax_paisa
        assert to_paisa(order.total) == expected.total_paisa


def test_a_product_stands_in_an_order_once(told: Told) -> None:
    lines = [(row.order_number, row.product_code) for row in told.items]

    assert len(set(lines)) == len(lines)


def test_most_orders_are_through_and_none_waits_for_a_job(told: Told) -> None:
    states = Counter(row.status for row in told.orders)

    assert set(states) == {S.DRAFT, S.ACCEPTED, S.DISPATCHED, S.DELIVERED, S.COMPLETED, S.CANCELLED}
    assert states[S.COMPLETED] + states[S.DELIVERED] > 0.8 * states.total()
    assert 0.02 * states.total() < states[S.CANCELLED] < 0.15 * states.total()
    assert 3 <= states[S.DRAFT] < 0.05 * states.total()


def test_an_order_has_the_times_of_the_states_that_it_reached_and_no_others(told: Told) -> None:
    for trade in told.trades:
        reached = [state for state, name in TIMES.items() if getattr(trade.life, name) is not None]
        if trade.life.state is S.CANCELLED:
            assert reached == list(TIMES)[: len(reached)]
            assert S.COMPLETED not in reached
        else:
            assert (reached or [S.DRAFT])[-1] is trade.life.state
            assert trade.life.cancelled_at is None


def test_the_times_of_an_order_follow_each_other(told: Told) -> None:
    for trade in told.trades:
        life = trade.life
        times = [life.created_at, *(getattr(life, name) for name in TIMES.values()), life.cancelled_at]

        assert all(one < other for one, other in pairwise(each for each in times if each is not None)), life


def test_vendors_work_by_day(told: Told) -> None:
    for trade in told.trades:
        for instant in (trade.life.accepted_at, trade.life.dispatched_at, trade.life.delivered_at):
            assert instant is None or time(8) <= instant.time() < time(20)


def test_cancelled_orders_say_by_whom_and_why(told: Told) -> None:
    cancelled = [trade.life for trade in told.trades if trade.life.state is S.CANCELLED]

    assert {life.cancelled_by for life in cancelled} == set(CancelledBy)
    assert all(life.reason for life in cancelled)
    assert any(life.accepted_at for life in cancelled)
    assert any(life.accepted_at is None for life in cancelled)


def test_an_order_names_its_vendor_once_it_was_accepted(told: Told) -> None:
    unfit = {row.code for row in told.demo.vendors() if not (row.approved and row.active)}
    accepted = [row for row in told.orders if row.accepted_at]

    assert all(row.vendor_code and row.vendor_code not in unfit for row in accepted)
    assert {row.vendor_code is None for row in told.orders if row.status is S.DRAFT} == {True, False}


def test_orders_are_due_their_terms_after_the_delivery(told: Told) -> None:
    terms = {row.code: row.terms_days for row in told.demo.retailers()}

    for row in told.orders:
        if row.delivered_at is None:
            assert row.due_on is None
        else:
            assert row.due_on == bookkeeping.due_on(row.delivered_at, terms[row.retailer_code] or 0)


def test_nobody_pays_more_than_an_order_costs_nor_before_it_came(told: Told) -> None:
    for trade in told.trades:
        paid = sum(payment.amount_paisa for _, payment in trade.payments if not payment.reversed)
        assert paid <= trade.totals.total_paisa
        for _, payment in trade.payments:
            assert payment.amount_paisa > 0
            assert trade.life.delivered_at is not None
            assert payment.paid_at > trade.life.delivered_at


def test_orders_are_paid_early_in_time_late_in_part_and_not_at_all(told: Told) -> None:
    kinds = Counter(
        _kind_of_payment(trade) for trade in told.trades if trade.due_on and trade.due_on < date(2026, 11, 1)
    )

    assert set(kinds) == {"early", "in time", "late", "in part", "not at all"}
    assert kinds["early"] + kinds["in time"] > kinds["late"] > kinds["not at all"]
    assert any(payment.reversed for trade in told.trades for _, payment in trade.payments)


def _kind_of_payment(trade: Trade) -> str:
    counted = [payment for _, payment in trade.payments if not payment.reversed]
    if not counted:
        return "not at all"
    if sum(payment.amount_paisa for payment in counted) < trade.totals.total_paisa:
        return "in part"
    days = (counted[-1].paid_at.date() - (trade.due_on or date.max)).days
    return "late" if days > 0 else "in time" if days > -3 else "early"


def test_in_every_ten_shops_all_ways_of_paying_are_met(told: Told) -> None:
    payers = {trade.shop.code: trade.shop.payer for trade in told.trades}
    of_first_ten = [payers[f"RET{number:03}"] for number in range(1, 11)]

    assert sorted(payer.name for payer in of_first_ten) == sorted(payer.name for payer in IN_TEN)


def test_debts_stay_within_the_limits_and_use_them_more_or_less(told: Told) -> None:
    owed: dict[str, int] = defaultdict(int)
    for trade in told.trades:
        if trade.life.accepted_at and trade.life.state is not S.CANCELLED:
            owed[trade.shop.code] += trade.totals.total_paisa
            owed[trade.shop.code] -= sum(each.amount_paisa for _, each in trade.payments if not each.reversed)
    shops = {trade.shop.code: trade.shop for trade in told.trades}
    used = sorted(debt / (shops[code].limit_rupees * 100) for code, debt in owed.items())

    assert used[-1] <= 1
    assert used[0] < 0.3
    assert sum(share > 0.7 for share in used) >= 3
    assert sum(share <= 0.3 for share in used) >= 5


def test_shops_order_most_before_dashain_and_tihar() -> None:
    told = tell(retailers=20, months=12)
    months = Counter((trade.life.created_at.month) for trade in told.trades)

    assert max(months, key=lambda month: months[month]) == 10
    assert months[9] > 1.2 * months[7]


def test_a_month_has_its_rhythm_and_the_week_its_day_of_rest() -> None:
    assert demand_on(date(2026, 6, 15)) > demand_on(date(2026, 6, 1)) > demand_on(date(2026, 6, 8))
    assert demand_on(date(2026, 6, 6)) < 0.5 * demand_on(date(2026, 6, 5))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_demand_goes_by_in_opening_hours(share: float) -> None:
    first, end = date(2026, 6, 1), date(2026, 6, 3)
    seasons = Seasons(first, end)
    begins = seasons.position_of(date(2026, 6, 2))

    instant = seasons.instant(begins + share * (seasons.end - begins))

    opens = datetime(2026, 6, 2, 7, 30, tzinfo=BUSINESS_ZONE)
    assert abs(instant - (opens + share * timedelta(hours=12))) <= timedelta(seconds=1)
