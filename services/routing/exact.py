"""Exact shares as pairs of integers, for sums that are rounded once, at the end.

``fractions.Fraction`` says the same and costs ten times as much: a routing scores thousands of vendors.
"""

from __future__ import annotations

from collections.abc import Iterable

Ratio = tuple[int, int]
"""Numerator and denominator; the denominator is above 0."""

HUNDRED: Ratio = (100, 1)
NOTHING: Ratio = (0, 1)


def weighted(parts: Iterable[tuple[int, Ratio]]) -> Ratio:
    """Σ weight·ratio ÷ 100, the weights in per cent."""
    numerator, denominator = 0, 1
    for weight, (top, bottom) in parts:
        numerator = numerator * bottom + weight * top * denominator
        denominator *= bottom
    return numerator, 100 * denominator


def hundredths(ratio: Ratio) -> int:
    """A ratio of at least 0 in hundredths, rounded half up."""
    top, bottom = ratio
    return (200 * top + bottom) // (2 * bottom)


def share(part: int, whole: int) -> Ratio:
    """``part`` of ``whole`` in per cent, at most 100."""
    return (100 * part, whole) if part < whole else HUNDRED


def falling(value: Ratio, best: Ratio, worst: Ratio) -> Ratio:
    """100 up to ``best``, 0 from ``worst`` on (best < worst), linear in between."""
    if not _below(best, value):
        return HUNDRED
    if not _below(value, worst):
        return NOTHING
    (v, v_under), (b, b_under), (w, w_under) = value, best, worst
    # 100 · (worst − value) ÷ (worst − best), over one denominator.
    top = (w * v_under - v * w_under) * b_under
    bottom = (w * b_under - b * w_under) * v_under
    return 100 * top, bottom


def at_most(value: Ratio, limit: Ratio) -> bool:
    """Whether ``value`` is ``limit`` or less."""
    return not _below(limit, value)


def _below(left: Ratio, right: Ratio) -> bool:
    return left[0] * right[1] < right[0] * left[1]
