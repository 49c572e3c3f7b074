"""Each threshold of the five components, on it and beside it."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from services.credit.components import (
    DeliveredOrder,
    account_age,
    consistency,
    disputes,
    payment_history,
    utilisation,
)
from tests.unit.services.credit.builders import RUPEE, TODAY, a_payment, ago, an_order


def value_of(*orders: DeliveredOrder) -> Fraction:
    return payment_history(orders, TODAY).value


def test_without_due_orders_the_payment_history_is_a_half() -> None:
    component = payment_history([], TODAY)

    assert (component.value, component.facts) == (Fraction(1, 2), {"due_orders": 0})


def test_all_paid_in_time_is_the_best_history() -> None:
    assert value_of(an_order(due=40, paid=40), an_order(due=40, paid=70)) == 1


def test_money_paid_on_the_due_date_is_in_time_and_a_day_later_is_not() -> None:
    assert value_of(an_order(due=10, paid=10)) == 1
    assert value_of(an_order(due=10, paid=9)) == 0


def test_the_share_is_of_money_not_of_orders() -> None:
    in_time, late = an_order(rupees=3_000, due=10, paid=10), an_order(rupees=1_000, due=10, paid=8)

    assert value_of(in_time, late) == Fraction("0.75") - Fraction("0.01")


def test_a_part_paid_in_time_counts_though_the_order_was_paid_off_late() -> None:
    order = DeliveredOrder(1_000 * RUPEE, ago(60), ago(30), (a_payment(600, 30), a_payment(400, 20)))

    component = payment_history([order], TODAY)

    assert component.facts["share_in_time"] == Fraction("0.6")
    assert component.facts["average_days_late"] == 10
    assert component.value == Fraction("0.5")


def test_the_order_in_which_payments_are_listed_changes_nothing() -> None:
    payments = (a_payment(400, 20), a_payment(600, 30))

    assert value_of(DeliveredOrder(1_000 * RUPEE, ago(60), ago(30), payments)) == Fraction("0.5")


def test_an_unpaid_order_is_late_up_to_today() -> None:
    assert payment_history([an_order(due=12)], TODAY).facts["average_days_late"] == 12


def test_a_payment_that_leaves_something_open_does_not_end_the_lateness() -> None:
    order = DeliveredOrder(1_000 * RUPEE, ago(60), ago(30), (a_payment(999, 29),))

    assert payment_history([order], TODAY).facts["average_days_late"] == 30


def test_early_payment_does_not_make_up_for_a_late_one() -> None:
    component = payment_history([an_order(due=20, paid=40), an_order(due=20, paid=10)], TODAY)

    assert component.facts["average_days_late"] == 5


@pytest.mark.parametrize(
    ("days_late", "penalty"),
    [(0, "0"), (1, "0.01"), (49, "0.49"), (50, "0.5"), (51, "0.5"), (300, "0.5")],
)
def test_a_day_late_on_average_costs_a_hundredth_up_to_a_half(days_late: int, penalty: str) -> None:
    # A rupee late among very much money in time: share and mean then move apart.
    orders = [an_order(rupees=1, due=300, paid=300 - days_late)]

    assert payment_history(orders, TODAY).facts["penalty"] == Fraction(penalty)


def test_the_history_is_never_below_zero() -> None:
    assert value_of(an_order(due=200)) == 0


def test_the_penalty_is_taken_off_the_share() -> None:
    orders = [an_order(rupees=900, due=100, paid=100), an_order(rupees=100, due=100, paid=0)]

    assert value_of(*orders) == Fraction("0.9") - Fraction("0.5")


@pytest.mark.parametrize(("due", "counts"), [(1, 1), (0, 0), (-5, 0)])
def test_an_unpaid_order_is_due_from_the_day_after_its_due_date(due: int, counts: int) -> None:
    assert payment_history([an_order(due=due)], TODAY).facts["due_orders"] == counts


def test_a_paid_order_counts_before_its_due_date() -> None:
    component = payment_history([an_order(due=-5, paid=3)], TODAY)

    assert component.value == 1
    assert component.facts["average_days_late"] == 0


@pytest.mark.parametrize(("delivered", "counts"), [(0, 1), (365, 1), (366, 0)])
def test_deliveries_of_the_last_365_days_count(delivered: int, counts: int) -> None:
    order = DeliveredOrder(100, ago(delivered), ago(delivered), (a_payment(1, delivered),))

    assert payment_history([order], TODAY).facts["due_orders"] == counts


def test_a_payment_dated_after_today_has_not_come_yet() -> None:
    assert value_of(an_order(due=10, paid=-1)) == value_of(an_order(due=10))


def test_an_order_of_nothing_is_no_history() -> None:
    assert payment_history([an_order(rupees=0, due=10)], TODAY).facts == {"due_orders": 0}


def days(count: int, first: int) -> list[int]:
    """``count`` numbers of days ago from ``first`` down to today: the first order and their number decide."""
    return [first - first * number // max(1, count - 1) for number in range(count)]


@pytest.mark.parametrize(
    ("count", "first", "frequency"),
    [
        (8, 30, "1"),
        (7, 30, "0.8"),
        (8, 31, "0.8"),
        (16, 60, "1"),
        (16, 61, "0.8"),
        (15, 60, "0.8"),
        (4, 30, "0.8"),
        (3, 30, "0.5"),
        (4, 31, "0.5"),
        (2, 30, "0.5"),
        (2, 31, "0.2"),
        (1, 0, "0.2"),
        (8, 0, "1"),  # Less than a month counts as one.
        (4, 5, "0.8"),
    ],
)
def test_orders_a_month_have_their_thresholds(count: int, first: int, frequency: str) -> None:
    component = consistency([ago(each) for each in days(count, first)], TODAY)

    assert component.facts["frequency"] == Fraction(frequency)


def test_even_intervals_are_perfectly_regular() -> None:
    assert consistency([ago(30), ago(20), ago(10), ago(0)], TODAY).facts["regularity"] == 1


def test_one_interval_is_regular_and_one_order_half() -> None:
    assert consistency([ago(17), ago(0)], TODAY).facts["regularity"] == 1
    assert consistency([ago(0)], TODAY).facts["regularity"] == Fraction(1, 2)


def test_orders_of_one_day_are_regular() -> None:
    assert consistency([ago(0)] * 3, TODAY).facts["regularity"] == 1


def test_regularity_is_one_over_one_plus_the_variation() -> None:
    """Intervals 5 and 15 days: mean 10, population deviation 5, cv 0.5, 1/(1 + 0.5) = 2/3."""
    assert consistency([ago(20), ago(15), ago(0)], TODAY).facts["regularity"] == Fraction(2, 3)


def test_an_irrational_variation_is_as_good_as_exact() -> None:
    """Intervals 1, 2, 3: mean 2, variance 2/3, cv = √(2/3)/2, which begins with 0.408248290463863."""
    regularity = consistency([ago(6), ago(5), ago(3), ago(0)], TODAY).facts["regularity"]

    assert regularity == pytest.approx(1 / 1.408248290463863, abs=1e-15)


def test_the_two_halves_of_consistency_are_averaged() -> None:
    """Three orders in 20 days: 3 a month, 0.5. Regularity 2/3 as above. (1/2 + 2/3)/2 = 7/12."""
    assert consistency([ago(20), ago(15), ago(0)], TODAY).value == Fraction(7, 12)


@pytest.mark.parametrize(("last", "value"), [(30, "0.35"), (31, "0.175")])
def test_a_last_order_more_than_30_days_ago_halves_consistency(last: int, value: str) -> None:
    assert consistency([ago(last)], TODAY).value == Fraction(value)


def test_without_orders_consistency_is_a_fifth() -> None:
    component = consistency([], TODAY)

    assert (component.value, component.facts) == (Fraction(1, 5), {"orders": 0})


@pytest.mark.parametrize(("day", "counts"), [(0, 1), (365, 1), (366, 0), (-1, 0)])
def test_orders_of_the_last_365_days_count(day: int, counts: int) -> None:
    assert consistency([ago(day)], TODAY).facts["orders"] == counts


@pytest.mark.parametrize(
    ("debt", "value"),
    [
        (-500, "1"),
        (0, "1"),
        (30_000, "1"),
        (30_001, "0.8"),
        (50_000, "0.8"),
        (50_001, "0.55"),
        (70_000, "0.55"),
        (70_001, "0.3"),
        (90_000, "0.3"),
        (90_001, "0"),
        (200_000, "0"),
    ],
)
def test_utilisation_has_its_thresholds(debt: int, value: str) -> None:
    assert utilisation(debt, 100_000).value == Fraction(value)


@pytest.mark.parametrize("debt", [0, 1, 10**12])
def test_without_a_limit_utilisation_is_a_half(debt: int) -> None:
    assert utilisation(debt, 0).value == Fraction(1, 2)


def test_a_credit_of_the_retailer_is_no_debt() -> None:
    assert utilisation(-500, 1_000).facts == {"debt_paisa": 0, "limit_paisa": 1_000, "share": 0}


@pytest.mark.parametrize(
    ("old", "value"),
    [
        (720, "1"),
        (719, "0.75"),
        (360, "0.75"),
        (359, "0.5"),
        (180, "0.5"),
        (179, "0.25"),
        (90, "0.25"),
        (89, "0"),
        (0, "0"),
        (-1, "0"),
    ],
)
def test_an_accounts_age_counts_by_months_of_30_days(old: int, value: str) -> None:
    assert account_age(TODAY - timedelta(days=old), TODAY).value == Fraction(value)


@pytest.mark.parametrize(
    ("cancelled", "accepted", "value"),
    [
        (0, 0, "1"),
        (0, 10, "1"),
        (1, 1_000, "0.8"),
        (50, 1_000, "0.8"),
        (51, 1_000, "0.6"),
        (100, 1_000, "0.6"),
        (101, 1_000, "0.3"),
        (200, 1_000, "0.3"),
        (201, 1_000, "0"),
        (1_000, 1_000, "0"),
    ],
)
def test_disputes_have_their_thresholds(cancelled: int, accepted: int, value: str) -> None:
    assert disputes(accepted, cancelled).value == Fraction(value)
