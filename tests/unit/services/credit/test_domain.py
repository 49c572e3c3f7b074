"""The score as a whole: weights, rounding, bands."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from services.credit import domain
from services.credit.components import Component
from services.credit.domain import Band, Part
from tests.unit.services.credit.builders import RUPEE, TODAY, a_history, ago, an_order


def test_the_worked_example_step_by_step() -> None:
    """Four orders of Rs. 1,000 each paid 30 days late, one of Rs. 500 unpaid, 49 days past due.

    The account is 800 days old, its limit Rs. 100,000. The orders were made 200, 170, 140, 110 and 80 days ago,
    delivered the next day, on terms of 30 days: due 169, 139, 109, 79 and 49 days ago.

    - Payment history: by the due dates came Rs. 0 of 4·1,000 + 500 = 4,500, share 0. Days late 4·30 + 49 = 169,
      over 5 orders 33.8 on average, penalty 0.01·33.8 = 0.338. max(0, 0 - 0.338) = 0.
    - Consistency: the first was 200 days ago, 200/30 = 6.67 months; 5/6.67 = 0.75 a month, below 2: 0.2. Four
      intervals of 30 days: cv 0, 1/(1 + 0) = 1. (0.2 + 1)/2 = 0.6. The last order was 80 days ago: 0.6/2 = 0.3.
    - Utilisation: the debt is what is unpaid, 500/100,000 = 0.005, at most 0.3: 1.
    - Account age: 800/30 = 26.67 months, at least 24: 1.
    - Disputes: the retailer cancelled 0 of 5 accepted orders: 1.

    Sum: 0.4·0 + 0.2·0.3 + 0.2·1 + 0.1·1 + 0.1·1 = 0.46. 300 + 600·0.46 = 300 + 276 = 576, Fair.
    """
    paid_late = [an_order(rupees=1_000, due=due, paid=due - 30) for due in (169, 139, 109, 79)]
    history = a_history(
        opened_on=ago(800),
        limit_paisa=100_000 * RUPEE,
        debt_paisa=500 * RUPEE,
        delivered=(*paid_late, an_order(rupees=500, due=49)),
        ordered_on=tuple(ago(day) for day in (200, 170, 140, 110, 80)),
        accepted=5,
    )

    score = domain.score(history, TODAY)

    assert [component.value for component in score.parts.values()] == [0, Fraction("0.3"), 1, 1, 1]
    assert score.parts[Part.PAYMENT_HISTORY].facts["average_days_late"] == Fraction("33.8")
    assert (score.points, score.band) == (576, Band.FAIR)


def test_the_best_retailer_has_900() -> None:
    history = a_history(
        limit_paisa=1_000,
        delivered=(an_order(due=10, paid=10),),
        ordered_on=tuple(ago(day) for day in range(28, -1, -4)),
        accepted=8,
    )

    assert domain.score(history, TODAY).points == 900


def test_the_worst_retailer_is_left_with_a_tenth_of_one_component() -> None:
    """Nothing but consistency can't reach 0; it comes to 0.175 for one order gone quiet: 300 + 120·0.175 = 321."""
    history = a_history(
        opened_on=TODAY,
        limit_paisa=1_000,
        debt_paisa=1_000,
        delivered=(an_order(due=100),),
        ordered_on=(ago(131),),
        accepted=1,
        cancelled_by_retailer=1,
    )

    assert domain.score(history, TODAY).points == 321


def test_a_new_retailer_starts_in_the_middle() -> None:
    """0.4·0.5 + 0.2·0.2 + 0.2·0.5 + 0.1·0 + 0.1·1 = 0.44; 300 + 264 = 564."""
    assert domain.score(a_history(opened_on=TODAY), TODAY).points == 564


@pytest.mark.parametrize(
    ("value", "points"),
    [("0", 300), ("1/481", 300), ("1/480", 301), ("1/479", 301), ("1/240", 301), ("3/481", 301), ("3/480", 302)],
)
def test_a_score_is_rounded_half_up(value: str, points: int) -> None:
    """Payment history adds 240 times its value: 1/480 of it is half a point exactly."""
    assert domain.total_of({Part.PAYMENT_HISTORY: Component(Fraction(value))}) == points


def test_a_half_point_of_a_real_history_is_rounded_up() -> None:
    """Of Rs. 480 in two orders, Rs. 479 came in time and Re. 1 came 25 days late.

    Share 479/480; 12.5 days late on average, penalty 0.125; 240·479/480 - 240·0.125 = 239.5 - 30 = 209.5. No orders
    for consistency 0.2·120 = 24, no limit 60, 730 days 60, no disputes 60. 300 + 209.5 + 204 = 713.5, rounded 714.
    """
    orders = (an_order(rupees=479, due=100, paid=100), an_order(rupees=1, due=100, paid=75))

    assert domain.score(a_history(delivered=orders), TODAY).points == 714


def test_the_weights_are_the_rules_and_sum_to_one() -> None:
    assert [float(weight) for weight in domain.WEIGHTS.values()] == [0.4, 0.2, 0.2, 0.1, 0.1]
    assert sum(domain.WEIGHTS.values()) == 1
    assert list(domain.MOST_POINTS.values()) == [240, 120, 120, 60, 60]


@pytest.mark.parametrize(
    ("points", "band"),
    [
        (900, Band.EXCELLENT),
        (750, Band.EXCELLENT),
        (749, Band.GOOD),
        (650, Band.GOOD),
        (649, Band.FAIR),
        (550, Band.FAIR),
        (549, Band.POOR),
        (450, Band.POOR),
        (449, Band.VERY_POOR),
        (300, Band.VERY_POOR),
    ],
)
def test_bands_have_their_thresholds(points: int, band: Band) -> None:
    assert domain.band_of(points) is band


def test_each_band_has_a_recommendation_of_its_own() -> None:
    assert len({band.recommendation for band in Band}) == 5
    assert all(band.recommendation.endswith(".") for band in Band)


def test_the_readme_lists_bands_and_weights_as_the_code_has_them() -> None:
    text = (Path(__file__).parents[4] / "services/credit/README.md").read_text()

    for band in Band:
        least = next((str(least) for least in range(300, 901) if domain.band_of(least) is band), "")
        from_points = "" if band is Band.VERY_POOR else f"{least} "
        assert f"| {band} | {from_points}| {band.recommendation} |" in text
    names = {Part.PAYMENT_HISTORY: "payment history", Part.ACCOUNT_AGE: "account age"}
    for part, weight in domain.WEIGHTS.items():
        assert f"| {names.get(part, part.value)} | {float(weight)} | {domain.MOST_POINTS[part]} |" in text
