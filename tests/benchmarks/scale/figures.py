"""Figures of the business part at full size: each has a bound of its own, no rival to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Bound(StrEnum):
    """Which way a figure must not go."""

    AT_MOST = "<="
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and the bound that it keeps or misses; ``value`` None: it could not be measured."""

    name: str
    unit: str
    value: float | None
    bound: Bound
    target: float
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the bound is kept."""
        if self.value is None:
            return False
        return self.value <= self.target if self.bound is Bound.AT_MOST else self.value >= self.target

    def row(self) -> dict[str, Any]:
        """The figure as the file holds it."""
        return {
            "name": self.name,
            "unit": self.unit,
            "value": None if self.value is None else round(self.value, 2),
            "target": f"{self.bound} {self.target:g}",
            "holds": self.holds,
            **({"details": self.details} if self.details else {}),
        }


def at_most(name: str, unit: str, value: float | None, target: float, **details: Any) -> Figure:
    """A figure that must not be larger than its target."""
    return Figure(name, unit, value, Bound.AT_MOST, target, details)


def at_least(name: str, unit: str, value: float | None, target: float, **details: Any) -> Figure:
    """A figure that must not be smaller than its target."""
    return Figure(name, unit, value, Bound.AT_LEAST, target, details)


def table(figures: Sequence[Figure]) -> str:
    """The figures for people, a line each."""
    lines = [f"{'figure':<62}{'value':>10}  {'target':<12} holds"]
    for figure in figures:
        value = "-" if figure.value is None else f"{figure.value:,.{0 if figure.value >= 100 else 1}f}"
        target = f"{figure.bound} {figure.target:g}"
        lines.append(
            f"{figure.name + ', ' + figure.unit:<62}{value:>10}  {target:<12} {'yes' if figure.holds else 'NO'}"
        )
    return "\n".join(lines)
