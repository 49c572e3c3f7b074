"""Shapes of small charts; the templates put them into SVG."""

from __future__ import annotations

from collections.abc import Sequence

_TOP, _BOTTOM = 2.0, 1.0


def spark_line(values: Sequence[float], width: int, height: int) -> str:
    """The path of a line over ``values``, oldest left, the highest at the top; flat at the bottom if all are 0."""
    if not values:
        return f"M0 {height}"
    highest = max(*values, 1)
    step = width / max(len(values) - 1, 1)
    room = height - _TOP - _BOTTOM
    points = (
        f"{index * step:.1f} {height - _BOTTOM - room * value / highest:.1f}" for index, value in enumerate(values)
    )
    return "M" + " L".join(points)
