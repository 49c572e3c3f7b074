"""What is said about a score, and what is stored of it."""

from __future__ import annotations

from services.credit import domain
from services.credit.explanation import explain
from shared.database.base import dump_json, load_json
from tests.unit.services.credit.builders import RUPEE, TODAY, a_history, ago, an_order

HISTORY = a_history(
    opened_on=ago(800),
    limit_paisa=100_000 * RUPEE,
    debt_paisa=1_500 * RUPEE,
    delivered=(an_order(rupees=2_000, due=40, paid=50), an_order(rupees=1_000, due=40, paid=31)),
    ordered_on=(ago(100), ago(71), ago(31)),
    accepted=4,
    cancelled_by_retailer=1,
)
PAYMENT_REASON = (
    "2 due orders: 66.7 % of Rs. 3,000.00 came by the due date; "
    "on average the orders were paid 4.5 days late, which takes off 0.05."
)
CONSISTENCY_REASON = (
    "3 accepted orders, 0.9 a month: frequency 0.20, regularity 0.86; "
    "the last one 31 days ago, more than 30, which halves it."
)


def test_an_explanation_names_every_component_its_reason_and_what_to_do() -> None:
    assert explain(domain.score(HISTORY, TODAY)).text.splitlines() == [
        "Credit score 661 of 300 to 900: Good.",
        f"Payment history: 149.2 of 240 points. {PAYMENT_REASON}",
        f"Consistency: 31.9 of 120 points. {CONSISTENCY_REASON}",
        "Utilisation: 120.0 of 120 points. Rs. 1,500.00 of Rs. 100,000.00 in use, 1.5 %.",
        "Account age: 60.0 of 60 points. The account is 800 days old, 26.7 months of 30 days.",
        "Disputes: 0.0 of 60 points. The retailer cancelled 1 of 4 accepted orders, 25.0 %.",
        "Recommendation: Keep limit and terms; a higher limit can be considered on request.",
    ]


def test_what_is_not_known_is_said() -> None:
    text = explain(domain.score(a_history(opened_on=ago(1)), TODAY)).text

    assert "No order of the last 365 days has come due yet." in text
    assert "No accepted order in the last 365 days." in text
    assert "There is no credit limit to measure the debt by." in text
    assert "The account is 1 day old, 0.0 months of 30 days." in text
    assert "No order was ever accepted, so none was cancelled after it." in text


def test_the_largest_penalty_is_called_that() -> None:
    score = domain.score(a_history(delivered=(an_order(due=60),)), TODAY)

    assert "1 due order: 0.0 %" in explain(score).text
    assert "60.0 days late, which takes off 0.50, the most there is." in explain(score).text


def test_a_recent_last_order_halves_nothing() -> None:
    text = explain(domain.score(a_history(ordered_on=(ago(1),)), TODAY)).text

    assert "1 accepted order, 1.0 a month: frequency 0.20, regularity 0.50; the last one 1 day ago." in text


def test_the_stored_components_are_plain_json() -> None:
    stored = explain(domain.score(HISTORY, TODAY)).components

    assert load_json(dump_json(stored)) == stored
    assert list(stored) == ["paymentHistory", "consistency", "utilisation", "accountAge", "disputes"]
    assert stored["paymentHistory"] == {
        "weight": 0.4,
        "value": 0.6217,
        "points": 149.2,
        "maxPoints": 240.0,
        "facts": {
            "dueOrders": 2,
            "duePaisa": 300_000,
            "paidInTimePaisa": 200_000,
            "shareInTime": 0.6667,
            "averageDaysLate": 4.5,
            "penalty": 0.045,
        },
        "reason": PAYMENT_REASON,
    }


def test_the_points_of_the_components_and_300_are_the_score() -> None:
    score = domain.score(HISTORY, TODAY)

    assert round(300 + sum(part["points"] for part in explain(score).components.values())) == score.points
