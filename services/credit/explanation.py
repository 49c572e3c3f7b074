"""A score in words, and its components as JSON; pure.

Numbers are rounded half up here, for people; the score itself was made from the exact ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from services.credit.components import MAX_PENALTY, QUIET_DAYS
from services.credit.domain import LEAST, MOST, MOST_POINTS, WEIGHTS, Part, Score, points_of
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
_SCALE = 10**4


@dataclass(frozen=True, slots=True)
class Explained:
    """A score for people: ``components`` by name, each with weight, value, points, facts and the reason in words.

    ``text`` has a line for the score, for each component and for what to do.
    """

    components: dict[str, Any]
    text: str


def explain(score: Score) -> Explained:
    """The score, what each component adds to it and why, and what to do."""
    components = {}
    lines = [f"Credit score {score.points} of {LEAST} to {MOST}: {score.band}."]
    for part, component in score.parts.items():
        points, reason = points_of(part, component), _REASONS[part](component.facts)
        components[part.value] = {
            "weight": _number(WEIGHTS[part]),
            "value": _number(component.value),
            "points": _number(points),
            "maxPoints": MOST_POINTS[part],
            "facts": {camel_case(name): _number(fact) for name, fact in component.facts.items()},
            "reason": reason,
        }
        lines.append(f"{_NAMES[part]}: {_shown(points, 1)} of {MOST_POINTS[part]} points. {reason}")
    return Explained(components, "\n".join([*lines, f"Recommendation: {score.band.recommendation}"]))


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
    exact = value or 0
    rounded = Decimal(half_up(exact.numerator * 10**places, exact.denominator)).scaleb(-places)
    return f"{rounded:,.{places}f}"


def _number(value: Fraction | int | None) -> float | int | None:
    """JSON's number for it, with four decimals at most."""
    if not isinstance(value, Fraction):
        return value
    return half_up(value.numerator * _SCALE, value.denominator) / _SCALE
