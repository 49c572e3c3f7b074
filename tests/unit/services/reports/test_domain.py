"""The rules of the reports at their boundaries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reports import domain
from services.reports.domain import Age, Discipline

TODAY = date(2026, 11, 24)
NO_TROUBLE = {"debt_paisa": 0, "overdue_paisa": 0, "limit_paisa": 100_000, "orders": 0, "cancelled": 0}


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-1, Age.NOT_YET_DUE),
        (0, Age.NOT_YET_DUE),
        (1, Age.DAYS_1_TO_30),
        (30, Age.DAYS_1_TO_30),
        (31, Age.DAYS_31_TO_60),
        (60, Age.DAYS_31_TO_60),
        (61, Age.DAYS_61_TO_90),
        (90, Age.DAYS_61_TO_90),
        (91, Age.OVER_90_DAYS),
    ],
)
def test_an_open_order_is_in_the_bucket_of_its_days_past_due(days: int, bucket: Age) -> None:
    assert domain.age_of(TODAY - timedelta(days=days), TODAY) is bucket


def test_an_undelivered_order_has_no_due_date_and_is_not_yet_due() -> None:
    assert domain.age_of(None, TODAY) is Age.NOT_YET_DUE


@pytest.mark.parametrize(
    ("rating", "letter"),
    [
        (500, "A+"),
        (450, "A+"),
        (449, "A"),
        (400, "A"),
        (399, "B+"),
        (350, "B+"),
        (349, "B"),
        (300, "B"),
        (299, "C+"),
        (250, "C+"),
        (249, "C"),
        (200, "C"),
        (199, "D"),
        (150, "D"),
        (149, "F"),
        (0, "F"),
    ],
)
def test_a_rating_has_the_grade_of_its_threshold(rating: int, letter: str) -> None:
    assert domain.grade_of(rating) == letter


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (900, "Excellent"),
        (750, "Excellent"),
        (749, "Good"),
        (650, "Good"),
        (649, "Fair"),
        (550, "Fair"),
        (549, "Poor"),
        (450, "Poor"),
        (449, "Very Poor"),
        (300, "Very Poor"),
    ],
)
def test_a_score_has_the_band_of_its_threshold(score: int, word: str) -> None:
    assert domain.band_of(score) == word


def test_one_rating_by_hand() -> None:
    """Score 720, ten due orders (seven on time, two paid late, one unpaid), 60 days late together.

    Debt 50,000 of a limit of 100,000, 10,000 of it overdue; 20 orders confirmed, one of them cancelled.

    - average lateness 60 / 10 = 6 days, late share 3 / 10; lateness 6/30 * 50 + 0.3 * 50 = 10 + 15 = 25
    - debt against limit 50, overdue against limit 10, cancelled share 1 / 20 = 5 %
    - risk .40 * 25 + .30 * 50 + .20 * 5 + .10 * 10 = 10 + 15 + 1 + 1 = 27
    - on time 7 / 10 = 70 %
    - rating 0.4 * 720/900 * 5 + 0.3 * 73/100 * 5 + 0.3 * 70/100 * 5 = 1.6 + 1.095 + 1.05 = 3.745, shown 3.75: B+
    """
    discipline = Discipline(on_time=7, late=2, unpaid=1, days_late=60)
    risk = domain.risk(
        discipline,
        debt_paisa=5_000_000,
        overdue_paisa=1_000_000,
        limit_paisa=10_000_000,
        orders=20,
        cancelled=1,
    )
    assert risk == 27
    assert discipline.on_time_percent == 70
    assert domain.rating_hundredths(720, risk, discipline.on_time_percent) == 375
    assert domain.grade_of(375) == "B+"


def test_without_due_orders_score_and_risk_weigh_four_and_three_sevenths() -> None:
    # 4/7 * 630/900 * 5 + 3/7 * 70/100 * 5 = 2 + 1.5
    assert domain.rating_hundredths(630, Fraction(30), None) == 350


def test_the_best_rating_is_five_and_the_worst_possible_stays_above_zero() -> None:
    assert domain.rating_hundredths(900, Fraction(0), Fraction(100)) == 500
    assert domain.rating_hundredths(300, Fraction(100), Fraction(0)) == 67


def test_a_retailer_without_a_score_has_no_rating() -> None:
    assert domain.rating_hundredths(None, Fraction(0), Fraction(100)) is None


@pytest.mark.parametrize(("days_late", "lateness"), [(0, 50), (15, 75), (30, 100), (31, 100), (300, 100)])
def test_lateness_is_full_at_thirty_days_with_every_order_late(days_late: int, lateness: int) -> None:
    discipline = Discipline(late=1, days_late=days_late)
    assert domain.risk(discipline, **NO_TROUBLE) == Fraction(40, 100) * lateness


@pytest.mark.parametrize(("debt", "points"), [(-1, 0), (0, 0), (50_000, 15), (100_000, 30), (100_001, 30)])
def test_debt_counts_up_to_the_limit_and_a_credit_counts_as_nothing(debt: int, points: int) -> None:
    assert domain.risk(Discipline(), **(NO_TROUBLE | {"debt_paisa": debt})) == points


def test_no_limit_counts_fifty_for_debt_and_for_overdue() -> None:
    assert domain.risk(Discipline(), **(NO_TROUBLE | {"limit_paisa": 0})) == 15 + 5


def test_every_order_cancelled_is_twenty_points_of_risk() -> None:
    assert domain.risk(Discipline(), **(NO_TROUBLE | {"orders": 3, "cancelled": 3})) == 20


@pytest.mark.parametrize(("end", "day"), [(None, 0), (-1, -1), (0, 0), (1, 0)])
def test_liability_is_as_of_the_end_date_but_never_of_a_day_to_come(end: int | None, day: int) -> None:
    end_date = None if end is None else TODAY + timedelta(days=end)
    assert domain.as_of_day(end_date, TODAY) == TODAY + timedelta(days=day)


def test_on_time_is_by_orders_and_days_late_are_spread_over_all_due_orders() -> None:
    discipline = Discipline(on_time=2, late=1, unpaid=1, days_late=10)
    assert discipline.on_time_percent == 50
    assert discipline.average_days_late == Fraction(5, 2)


def test_without_due_orders_nothing_is_said_about_punctuality() -> None:
    assert Discipline().on_time_percent is None
    assert Discipline().average_days_late is None


def test_utilisation_needs_a_limit_and_takes_a_credit_as_no_debt() -> None:
    assert domain.utilisation_percent(30, 100) == 30
    assert domain.utilisation_percent(-30, 100) == 0
    assert domain.utilisation_percent(30, 0) is None


def test_available_credit_is_never_below_zero_and_grows_with_the_retailers_own_credit() -> None:
    assert domain.available_paisa(30, 100) == 70
    assert domain.available_paisa(100, 100) == 0
    assert domain.available_paisa(101, 100) == 0
    assert domain.available_paisa(-20, 100) == 120


def test_measures_are_rounded_half_up() -> None:
    assert domain.rounded(Fraction(125, 100), 1) == Decimal("1.3")
    assert domain.rounded(Fraction(124999, 100000), 1) == Decimal("1.2")


def test_a_business_day_is_that_of_kathmandu() -> None:
    assert domain.day_begins(TODAY) == datetime(2026, 11, 23, 18, 15, tzinfo=UTC)
    assert domain.day_ends(TODAY) == datetime(2026, 11, 24, 18, 15, tzinfo=UTC)


disciplines = st.builds(
    Discipline,
    on_time=st.integers(0, 50),
    late=st.integers(0, 50),
    unpaid=st.integers(0, 50),
    days_late=st.integers(0, 9_000),
)


@given(
    disciplines,
    st.integers(-(10**9), 10**9),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(300, 900),
)
def test_risk_and_rating_stay_in_their_ranges(
    discipline: Discipline, debt: int, overdue: int, limit: int, kept: int, cancelled: int, score: int
) -> None:
    risk = domain.risk(
        discipline,
        debt_paisa=debt,
        overdue_paisa=overdue,
        limit_paisa=limit,
        orders=kept + cancelled,
        cancelled=cancelled,
    )
    rating = domain.rating_hundredths(score, risk, discipline.on_time_percent)
    assert 0 <= risk <= 100
    assert rating is not None
    assert 0 <= rating <= 500


@given(disciplines, st.integers(300, 899))
def test_a_better_score_never_lowers_the_rating(discipline: Discipline, score: int) -> None:
    lower = domain.rating_hundredths(score, Fraction(20), discipline.on_time_percent)
    higher = domain.rating_hundredths(score + 1, Fraction(20), discipline.on_time_percent)
    assert lower is not None
    assert higher is not None
    assert lower <= higher
