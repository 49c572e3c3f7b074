"""Who is eligible, who is chosen, how it is explained and what follows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing import domain
from services.routing.domain import FollowUp, Obstacle
from services.routing.scoring import Offered, Place, Record, Score, Vendor
from tests.unit.services.routing.builders import OIL, RETAILER, RICE, a_vendor

HOUR_S = 3600


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        (a_vendor(), None),
        (a_vendor(approved=False), Obstacle.NOT_APPROVED),
        (a_vendor(active=False), Obstacle.INACTIVE),
        (a_vendor(rating_hundredths=299), Obstacle.RATING),
        (a_vendor(rating_hundredths=300), None),
        (a_vendor(rating_hundredths=None), None),
        (a_vendor(quantity=9), Obstacle.STOCK),
        (a_vendor(quantity=10), None),
        (a_vendor(stock={}), Obstacle.STOCK),
        (a_vendor(stock={RICE.product: Offered(1, 100, available=False)}), Obstacle.STOCK),
    ],
)
def test_each_condition_of_eligibility_has_its_boundary(vendor: Vendor, expected: Obstacle | None) -> None:
    assert domain.obstacle(vendor, [RICE], ()) is expected


def test_every_product_of_the_order_must_be_in_stock() -> None:
    assert domain.obstacle(a_vendor(), [RICE, OIL], ()) is Obstacle.STOCK


def test_a_vendor_is_asked_once_for_an_order() -> None:
    assert domain.obstacle(a_vendor("VEN001"), [RICE], {"VEN001"}) is Obstacle.TRIED
    assert domain.obstacle(a_vendor("VEN002"), [RICE], {"VEN001"}) is None


def test_one_routing_with_three_vendors_by_hand() -> None:
    """Ten of rice and four of oil for a shop in Kathmandu, Bagmati; prices in rupees.

    =================  =====================  =====================  =====================
    vendor             VEN001 Kathmandu       VEN002 Lalitpur        VEN003 Pokhara
    =================  =====================  =====================  =====================
    rice               20 at 100              20 at 90               10 at 120
    oil                6 at 250               8 at 225               4 at 300
    basket             1000 + 1000 = 2000     900 + 900 = 1800       1200 + 1200 = 2400
    availability       (100 + 70)/2 = 85      100                    70
    proximity          same city 100          same state 70          elsewhere 40
    workload           5 open: 100            11 open: 60            31 open: 20
    price              (2700 − 2000)/900:     cheapest: 100          (2700 − 2400)/900:
                       77.777…                                       33.333…
    offers accepted    9 of 10: 90            rating 3.0: 60         4 of 4: 100
    delivered          6 of 8: 75             60                     4 of 4: 100
    hours              36: (72−36)/48 = 75    60                     24: 100
    not called off     1 − 1/8: 87.5          60                     100
    price ÷ mean       .9677: 80              .8710: 100             1.1613: 50
    reliability        22.5 + 22.5 + 15       60·.9 + 10 = 64        90 + 5 = 95
                       + 13.125 + 8 = 81.125
    =================  =====================  =====================  =====================

    The mean basket is (2000 + 1800 + 2400)/3 = 2066.67, and one and a half of the cheapest is 2700. Then

    - VEN001: 85·.30 + 100·.20 + 100·.15 + 77.777…·.20 + 81.125·.15
      = 25.5 + 20 + 15 + 15.5556 + 12.1688 = 88.2243 → 88.22
    - VEN002: 30 + 14 + 9 + 20 + 9.6 = 82.60
    - VEN003: 21 + 8 + 3 + 6.6667 + 14.25 = 52.9167 → 52.92
    """
    vendors = [
        Vendor(
            "VEN003",
            rating_hundredths=300,
            place=Place("Pokhara", "Gandaki"),
            open_orders=31,
            stock={RICE.product: Offered(12_000, 10), OIL.product: Offered(30_000, 4)},
            record=Record(4, 4, accepted=4, delivered=4, timed=4, delivery_seconds=4 * 24 * HOUR_S),
        ),
        Vendor(
            "VEN001",
            rating_hundredths=450,
            place=Place("Kathmandu", "Bagmati"),
            open_orders=5,
            stock={RICE.product: Offered(10_000, 20), OIL.product: Offered(25_000, 6)},
            record=Record(10, 9, accepted=8, delivered=6, timed=6, delivery_seconds=6 * 36 * HOUR_S, cancelled=1),
        ),
        Vendor(
            "VEN002",
            place=Place("Lalitpur", "Bagmati"),
            open_orders=11,
            stock={RICE.product: Offered(9_000, 20), OIL.product: Offered(22_500, 8)},
        ),
    ]

    decision = domain.decide(vendors, [RICE, OIL], RETAILER)

    assert decision.candidates == (
        Score("VEN001", 200_000, 8822, 8500, 10_000, 10_000, 7778, 8113),
        Score("VEN002", 180_000, 8260, 10_000, 7000, 6000, 10_000, 6400),
        Score("VEN003", 240_000, 5292, 7000, 4000, 2000, 3333, 9500),
    )
    assert decision.explanation == (
        "VEN001 is chosen with 88.22 of 100 points (availability 85.00, proximity 100.00, workload 100.00, "
        "price 77.78, reliability 81.13), ahead of VEN002 with 82.60, and 1 more."
    )


def test_vendors_that_are_not_eligible_set_no_cheapest_price() -> None:
    vendors = [a_vendor("VEN001"), a_vendor("VEN002", price_paisa=1, approved=False)]

    decision = domain.decide(vendors, [RICE], RETAILER)

    assert [(each.vendor, each.price_hundredths) for each in decision.candidates] == [("VEN001", 10_000)]
    assert decision.explanation.endswith("the only eligible vendor; left out: 1 not approved.")


def test_of_equal_scores_the_cheaper_basket_wins() -> None:
    level = Score("VEN009", 900, 8000, 0, 0, 0, 0, 0), Score("VEN001", 901, 8000, 0, 0, 0, 0, 0)

    assert min(reversed(level), key=domain._rank) == level[0]
    assert "level with VEN001 and ahead by being cheaper" in domain.explain(level, {})


def test_of_equal_scores_and_baskets_the_lower_code_wins() -> None:
    decision = domain.decide([a_vendor("VEN002"), a_vendor("VEN010"), a_vendor("VEN001")], [RICE], RETAILER)

    assert [each.vendor for each in decision.candidates] == ["VEN001", "VEN002", "VEN010"]
    assert "level with VEN002 and ahead by the lower code, and 1 more" in decision.explanation


def test_nobody_eligible_is_explained_by_counts() -> None:
    vendors = [a_vendor("VEN001"), a_vendor("VEN002", quantity=1), a_vendor("VEN003", quantity=2)]

    decision = domain.decide(vendors, [RICE], RETAILER, tried={"VEN001"})

    assert decision.chosen is None
    assert decision.explanation == ("No vendor is eligible: 1 tried before, 2 without all products in stock.")
    assert domain.decide([], [RICE], RETAILER).explanation == ("No vendor is eligible: no vendor sells these products.")


@given(st.permutations([a_vendor(f"VEN{n:03d}", price_paisa=9_000 + 10 * (n % 3), open_orders=n) for n in range(8)]))
def test_the_order_in_which_vendors_are_read_changes_nothing(vendors: list[Vendor]) -> None:
    in_order = sorted(vendors, key=lambda vendor: vendor.code)

    assert domain.decide(vendors, [RICE], RETAILER) == domain.decide(in_order, [RICE], RETAILER)


@pytest.mark.parametrize(
    ("tried", "follow_up"), [(0, FollowUp.LOOK_NOW), (4, FollowUp.LOOK_NOW), (5, FollowUp.MANUAL), (6, FollowUp.MANUAL)]
)
def test_at_most_five_vendors_get_an_order(tried: int, follow_up: FollowUp) -> None:
    assert domain.before_looking(tried) is follow_up


@pytest.mark.parametrize(
    ("looks", "follow_up"), [(1, FollowUp.LOOK_AGAIN), (3, FollowUp.LOOK_AGAIN), (4, FollowUp.MANUAL)]
)
def test_a_look_in_vain_is_repeated_three_times(looks: int, follow_up: FollowUp) -> None:
    assert domain.after_finding_nobody(looks) is follow_up


def test_the_delays_are_those_of_the_rules() -> None:
    assert timedelta(minutes=1) == domain.NEXT_VENDOR_AFTER
    assert timedelta(minutes=15) == domain.LOOK_AGAIN_AFTER


def test_the_mean_price_is_that_of_the_platforms_vendors() -> None:
    vendors = [a_vendor("VEN001"), a_vendor("VEN002", price_paisa=20_000), a_vendor("VEN003", rating_hundredths=0)]
    strangers = [a_vendor("VEN004", price_paisa=1, approved=False), a_vendor("VEN005", price_paisa=1, active=False)]

    alone, beside = (domain.decide(each, [RICE], RETAILER).candidates for each in (vendors, vendors + strangers))

    assert alone == beside
    assert domain.mean_basket(vendors, [RICE]) == (10 * 40_000, 3)


def test_products_that_nobody_sells_have_no_mean() -> None:
    gone = a_vendor(stock={RICE.product: Offered(500, 100, available=False)})

    assert domain.mean_basket([gone], [RICE, OIL]) == (0, 1)
