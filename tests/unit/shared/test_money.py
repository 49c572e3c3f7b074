"""Money is exact to the paisa, rounded half up."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.business import LedgerKind
from shared.money import half_up, npr, to_paisa, to_rupees

AMOUNTS = st.integers(-(10**18), 10**18)


@pytest.mark.parametrize(
    ("rupees", "paisa"),
    [("0", 0), ("1500", 150_000), ("0.004", 0), ("0.005", 1), ("1.115", 112), ("-0.004", 0), ("-0.005", -1)],
)
def test_half_a_paisa_rounds_away_from_zero(rupees: str, paisa: int) -> None:
    assert to_paisa(Decimal(rupees)) == paisa


@pytest.mark.parametrize("rupees", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_amount_is_refused(rupees: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        to_paisa(Decimal(rupees))


def test_rupees_always_have_two_decimals() -> None:
    assert [str(to_rupees(paisa)) for paisa in (0, 5, 150_000, -1)] == ["0.00", "0.05", "1500.00", "-0.01"]


@given(AMOUNTS)
def test_paisa_survive_the_way_to_rupees_and_back(paisa: int) -> None:
    assert to_paisa(to_rupees(paisa)) == paisa


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"),
    [(1, 2, 1), (-1, 2, -1), (1, -2, -1), (-1, -2, 1), (1, 3, 0), (2, 3, 1), (13 * 50, 100, 7), (0, 7, 0)],
)
def test_a_half_rounds_up(numerator: int, denominator: int, quotient: int) -> None:
    assert half_up(numerator, denominator) == quotient


@given(AMOUNTS, st.integers(1, 10**6))
def test_a_rounded_quotient_is_at_most_a_half_away(numerator: int, denominator: int) -> None:
    assert abs(Fraction(numerator, denominator) - half_up(numerator, denominator)) <= Fraction(1, 2)


@given(AMOUNTS, st.integers(1, 10**6))
def test_the_opposite_rounds_to_the_opposite(numerator: int, denominator: int) -> None:
    assert half_up(-numerator, denominator) == -half_up(numerator, denominator)


def test_nothing_divides_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        half_up(1, 0)


def test_orders_and_reversed_payments_are_the_debits() -> None:
    assert {kind for kind in LedgerKind if kind.is_debit} == {LedgerKind.ORDER, LedgerKind.PAYMENT_REVERSED}


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "Rs. 0.00"),
        ("999.9", "Rs. 999.90"),
        ("1500", "Rs. 1,500.00"),
        ("100000", "Rs. 1,00,000.00"),
        ("123456789.125", "Rs. 12,34,56,789.13"),
        ("0.005", "Rs. 0.01"),
        ("-1500", "Rs. -1,500.00"),
    ],
)
def test_an_amount_is_grouped_in_lakhs_and_rounded_half_up(amount: str, text: str) -> None:
    assert npr(Decimal(amount)) == text
