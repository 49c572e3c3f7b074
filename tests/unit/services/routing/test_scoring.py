"""The parts of the score, each at its thresholds."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing import scoring
from services.routing.exact import Ratio, hundredths, weighted
from services.routing.scoring import Offered, Place, Record
from tests.unit.services.routing.builders import OIL, RETAILER, RICE, a_vendor, score_of

HOUR_S = 3600


def value(ratio: Ratio | None) -> Fraction | None:
    return None if ratio is None else Fraction(*ratio)


@pytest.mark.parametrize(("quantity", "points"), [(10, 70), (19, 70), (20, 100), (21, 100)])
def test_twice_the_quantity_in_stock_is_plenty(quantity: int, points: int) -> None:
    assert value(scoring.availability(a_vendor(quantity=quantity), [RICE])) == points


def test_availability_is_the_mean_over_the_items() -> None:
    vendor = a_vendor(stock={RICE.product: Offered(1, 20), OIL.product: Offered(1, 4)})

    assert value(scoring.availability(vendor, [RICE, OIL])) == 85


@pytest.mark.parametrize(
    ("place", "points"),
    [
        (Place("Kathmandu", "Bagmati"), 100),
        (Place(" kathmandu ", None), 100),
        (Place("Lalitpur", "Bagmati"), 70),
        (Place(None, "BAGMATI"), 70),
        (Place("Pokhara", "Gandaki"), 40),
        (Place(), 40),
        (Place("", ""), 40),
    ],
)
def test_nearer_vendors_get_more(place: Place, points: int) -> None:
    assert value(scoring.proximity(place, RETAILER)) == points


def test_two_unknown_places_are_not_the_same() -> None:
    assert value(scoring.proximity(Place(None, " "), Place(None, ""))) == 40


@pytest.mark.parametrize(
    ("open_orders", "points"),
    [(0, 100), (5, 100), (6, 80), (10, 80), (11, 60), (20, 60), (21, 40), (30, 40), (31, 20), (500, 20)],
)
def test_busier_vendors_get_less(open_orders: int, points: int) -> None:
    assert value(scoring.workload(open_orders)) == points


@pytest.mark.parametrize(
    ("own", "points"),
    [(1000, 100), (1001, Fraction(499, 5)), (1250, 50), (1499, Fraction(1, 5)), (1500, 0), (1501, 0), (9000, 0)],
)
def test_price_falls_from_the_cheapest_to_one_and_a_half_of_it(own: int, points: Fraction) -> None:
    assert value(scoring.price(own, 1000)) == points


def test_a_basket_for_nothing_is_the_only_full_score_beside_another() -> None:
    assert value(scoring.price(0, 0)) == 100
    assert value(scoring.price(1, 0)) == 0


@pytest.mark.parametrize(
    ("own", "points"),
    [
        (900, 100),
        (901, 90),
        (950, 90),
        (951, 80),
        (1000, 80),
        (1001, 70),
        (1050, 70),
        (1051, 60),
        (1100, 60),
        (1101, 50),
    ],
)
def test_prices_are_levelled_against_the_mean(own: int, points: int) -> None:
    assert value(scoring.price_level(own, (2000, 2))) == points


def test_no_mean_price_is_no_data() -> None:
    assert scoring.price_level(0, (0, 1)) is None


@pytest.mark.parametrize(("hours", "points"), [(0, 100), (24, 100), (36, 75), (48, 50), (60, 25), (72, 0), (73, 0)])
def test_delivery_within_a_day_is_full_and_after_three_worthless(hours: int, points: int) -> None:
    record = Record(accepted=2, delivered=2, timed=2, delivery_seconds=2 * hours * HOUR_S)

    assert value(scoring.delivery_speed(record)) == points


def test_just_over_a_day_costs_its_second() -> None:
    record = Record(accepted=1, delivered=1, timed=1, delivery_seconds=24 * HOUR_S + 1)

    assert value(scoring.delivery_speed(record)) == 100 - Fraction(100, 48 * HOUR_S)


@pytest.mark.parametrize(("rating", "points"), [(None, 62), (300, 62), (400, 80), (500, 98), (0, 8)])
def test_measures_without_data_take_the_rating(rating: int | None, points: int) -> None:
    """All but the price (at the mean: 80, a tenth) take rating/5: 90 % of it, and 8."""
    vendor = a_vendor(rating_hundredths=rating)

    assert value(scoring.reliability(vendor, 1000, (1000, 1))) == points


@pytest.mark.parametrize(
    ("record", "points"),
    [
        # rating 4.0 = 80 everywhere else, price at the mean 80.
        (Record(offers=4, offers_accepted=1), 80 + Fraction(25, 100) * (25 - 80)),
        (Record(accepted=2, delivered=1), 80 + Fraction(30, 100) * (50 - 80) + Fraction(15, 100) * (100 - 80)),
        (Record(accepted=4, cancelled=1, delivered=4), 80 + Fraction(30, 100) * 20 + Fraction(15, 100) * (75 - 80)),
        (
            Record(accepted=1, delivered=1, timed=1, delivery_seconds=48 * HOUR_S),
            80 + Fraction(30, 100) * 20 + Fraction(20, 100) * (50 - 80) + Fraction(15, 100) * 20,
        ),
    ],
)
def test_each_measure_of_reliability_has_its_weight(record: Record, points: Fraction) -> None:
    assert value(scoring.reliability(a_vendor(record=record), 1000, (1000, 1))) == points


def test_more_cancellations_than_acceptances_are_worth_nothing_not_less() -> None:
    record = Record(accepted=1, cancelled=2)

    assert value(scoring.reliability(a_vendor(record=record), 1000, (1000, 1))) == 25 * 80 / 100 + 0 + 16 + 0 + 8


@pytest.mark.parametrize(
    ("ratio", "rounded"), [((1, 3), 33), ((2, 3), 67), ((1, 200), 1), ((1, 201), 0), ((5, 1000), 1), ((100, 1), 10_000)]
)
def test_scores_round_half_up(ratio: Ratio, rounded: int) -> None:
    assert hundredths(ratio) == rounded


@given(st.lists(st.tuples(st.integers(0, 100), st.tuples(st.integers(0, 10**9), st.integers(1, 10**9))), max_size=6))
def test_weighted_sums_are_exact(parts: list[tuple[int, Ratio]]) -> None:
    expected = sum((Fraction(weight, 100) * Fraction(*ratio) for weight, ratio in parts), Fraction(0))

    assert Fraction(*weighted(parts)) == expected


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_cheaper_vendor_never_scores_worse_on_price(one: int, other: int, third: int) -> None:
    cheapest = min(one, other, third)
    dear, cheap = max(one, other), min(one, other)

    assert value(scoring.price(cheap, cheapest)) >= value(scoring.price(dear, cheapest))  # type: ignore[operator]


@given(
    price=st.integers(0, 10**7),
    cheaper_by=st.integers(0, 10**6),
    quantity=st.integers(10, 100),
    open_orders=st.integers(0, 60),
    rating=st.one_of(st.none(), st.integers(300, 500)),
    offers=st.tuples(st.integers(0, 50), st.integers(0, 50)),
    record=st.tuples(*[st.integers(0, 50)] * 3),
    seconds=st.integers(0, 10**7),
)
def test_every_score_lies_between_0_and_100(
    price: int,
    cheaper_by: int,
    quantity: int,
    open_orders: int,
    rating: int | None,
    offers: tuple[int, int],
    record: tuple[int, ...],
    seconds: int,
) -> None:
    delivered, more, cancelled = record
    history = Record(sum(offers), offers[0], delivered + more, delivered, delivered, seconds, cancelled)
    vendor = a_vendor(
        price_paisa=price, quantity=quantity, open_orders=open_orders, rating_hundredths=rating, record=history
    )

    found = score_of(vendor, cheapest_paisa=max(0, price - cheaper_by) * RICE.quantity)

    assert 0 <= found.total_hundredths <= 10_000
