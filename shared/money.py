"""Money as whole paisa, and the one way to round it.

Amounts enter and leave as rupees (``Decimal``); between, they are integers, so
that sums are exact on every database. Rounding is half up, away from zero for
amounts below it: a debit and its reversal stay each other's opposite.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

PAISA_PER_RUPEE = 100

_WHOLE = Decimal(1)
_RUPEE_PLACES = Decimal("0.01")
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
"""With more digits than any amount has, so that only ``quantize`` ever rounds."""


def to_paisa(rupees: Decimal) -> int:
    """``rupees`` in paisa, rounded half up; ValueError for NaN and infinity."""
    if not rupees.is_finite():
        raise ValueError(f"{rupees} is not an amount of money")
    return int(_EXACT.quantize(_EXACT.multiply(rupees, PAISA_PER_RUPEE), _WHOLE))


def to_rupees(paisa: int) -> Decimal:
    """``paisa`` in rupees, with exactly two decimals."""
    return _EXACT.quantize(_EXACT.divide(paisa, PAISA_PER_RUPEE), _RUPEE_PLACES)


def npr(rupees: Decimal) -> str:
    """``Rs. 12,34,567.50``: rounded half up to the paisa, grouped as in Nepal (thousands, then lakhs)."""
    whole, _, paisa = f"{to_rupees(abs(to_paisa(rupees))):f}".partition(".")
    sign = "-" if to_paisa(rupees) < 0 else ""
    return f"Rs. {sign}{_grouped(whole)}.{paisa}"


def _grouped(digits: str) -> str:
    head, tail = digits[:-3], digits[-3:]
    pairs: list[str] = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*pairs, tail])


def half_up(numerator: int, denominator: int) -> int:
    """The quotient rounded half up to a whole number; ZeroDivisionError for a denominator of 0."""
    if (numerator < 0) != (denominator < 0):
        return -_half_up(abs(numerator), abs(denominator))
    return _half_up(abs(numerator), abs(denominator))


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
