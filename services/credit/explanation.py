"""A score in words, and its components as JSON; pure.

Numbers are rounded half up here, for people; the score itself was made from the exact ones.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from services.credit.components import MAX_PENALTY, QUIET_DAYS, Component
from services.credit.domain import LEAST, MOST, WEIGHTS, Part, Score, most_points, points_of
from shared.messages.fields import camel_case
from shared.money import half_up, to_rupees

Facts = dict[str, Fraction | int | None]

_NAMES = {
    Part.PAYMENT_HISTORY: "Payment history",
    Part.CONSISTENCY: "Consistency",
    Part.UTILISATION: "Utilisation",
    Part.ACCOUNT_AGE: "Account age",
    Part.DISPUTES: "Disputes",
}
_PLACES = 4


def explain(score: Score) -> str:
    """The score, what each component adds to it and why, and what to do: a line each."""
    lines = [f"Credit score {score.points} of {LEAST} to {MOST}: {score.band}."]
    for part, component in score.parts.items():
        points = f"{_shown(points_of(part, component), 1)} of {_shown(most_points(part), 0)} points"
        lines.append(f"{_NAMES[part]}: {points}. {_REASONS[part](component.facts)}")
    return "\n".join([*lines, f"Recommendation: {score.band.recommendation}"])


def as_json(score: Score) -> dict[str, Any]:
    """The components as they are stored: by name, each with weight, value, points, facts and the reason in words."""
    return {part.value: _component_json(part, component) for part, component in score.parts.items()}


def _component_json(part: Part, component: Component) -> dict[str, Any]:
    return {
        "weight": _number(WEIGHTS[part]),
        "value": _number(component.value),
        "points": _number(points_of(part, component)),
        "maxPoints": _number(most_points(part)),
        "facts": {camel_case(name): _number(fact) for name, fact in component.facts.items()},
        "reason": _REASONS[part](component.facts),
    }


def _payment_history(facts: Facts) -> str:
    if not facts["due_orders"]:
        return "No order of the last 365 days has come due yet."
    in_time = f"{_percent(facts['share_in_time'])} of {_rupees(facts['due_paisa'])} came by the due date"
    late = f"on average the orders were paid {_shown(facts['average_days_late'], 1)} days late"
    penalty = f"which takes off {_shown(facts['penalty'], 2)}"
    if facts["penalty"] == MAX_PENALTY:
        penalty += ", the most there is"
    return f"{_counted(facts['due_orders'], 'due order')}: {in_time}; {late}, {penalty}."


def _consistency(facts: Facts) -> str:
    if not facts["orders"]:
        return "No accepted order in the last 365 days."
    pace = f"{_counted(facts['orders'], 'accepted order')}, {_shown(facts['orders_a_month'], 1)} a month"
    marks = f"frequency {_shown(facts['frequency'], 2)}, regularity {_shown(facts['regularity'], 2)}"
    last = f"the last one {_counted(facts['days_since_last_order'], 'day')} ago"
    if (facts["days_since_last_order"] or 0) > QUIET_DAYS:
        last += f", more than {QUIET_DAYS}, which halves it"
    return f"{pace}: {marks}; {last}."


def _utilisation(facts: Facts) -> str:
    if facts["share"] is None:
        return "There is no credit limit to measure the debt by."
    return f"{_rupees(facts['debt_paisa'])} of {_rupees(facts['limit_paisa'])} in use, {_percent(facts['share'])}."


def _account_age(facts: Facts) -> str:
    return f"The account is {_counted(facts['days'], 'day')} old, {_shown(facts['months'], 1)} months of 30 days."


def _disputes(facts: Facts) -> str:
    if not facts["accepted"]:
        return "No order was ever accepted, so none was cancelled after it."
    orders = _counted(facts["accepted"], "accepted order")
    return f"The retailer cancelled {facts['cancelled_by_retailer']} of {orders}, {_percent(facts['share'])}."


_REASONS: dict[Part, Callable[[Facts], str]] = {
    Part.PAYMENT_HISTORY: _payment_history,
    Part.CONSISTENCY: _consistency,
    Part.UTILISATION: _utilisation,
    Part.ACCOUNT_AGE: _account_age,
    Part.DISPUTES: _disputes,
}


def _counted(count: Fraction | int | None, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _percent(share: Fraction | int | None) -> str:
    return f"{_shown(Fraction(share or 0) * 100, 1)} %"


def _rupees(paisa: Fraction | int | None) -> str:
    return f"Rs. {to_rupees(int(paisa or 0)):,.2f}"


def _shown(value: Fraction | int | None, places: int) -> str:
    return f"{_rounded(value or 0, places):,.{places}f}"


def _number(value: Fraction | int | None) -> float | int | None:
    """JSON's number for it, with four decimals at most."""
    return float(_rounded(value, _PLACES)) if isinstance(value, Fraction) else value


def _rounded(value: Fraction | int, places: int) -> Decimal:
    return Decimal(half_up(value.numerator * 10**places, value.denominator)).scaleb(-places)
