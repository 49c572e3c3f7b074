"""What is read of a retailer's history, and that a score is stored whole or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.credit import domain, repository
from services.credit.components import DeliveredOrder, Payment
from services.credit.domain import History
from shared.business import OrderState
from shared.errors import PermanentError, Refused
from shared.messages.credit import Trigger
from shared.messages.orders import CancelledBy
from tests.integration.credit.facts import NOW, RETAILER, TODAY, Facts, ago, day
from tests.kit.statements import statements


def history_of(facts: Facts, code: str = RETAILER) -> History:
    with facts.database.session() as tx:
        return repository.history(tx, repository.lock_account(tx, code), TODAY)


def save(facts: Facts, job_id: str, *, points: int = 576) -> None:
    with facts.database.session() as tx:
        account = repository.lock_account(tx, RETAILER)
        exact = domain.score(repository.history(tx, account, TODAY), TODAY)
        score = domain.Score(points, exact.parts)
        repository.save(tx, account, score, trigger=Trigger.MANUAL, job_id=job_id, now=NOW)


def test_the_worked_example_is_read_as_it_stands(facts: Facts) -> None:
    facts.worked_example()

    history = history_of(facts)

    assert history.opened_on == day(800)
    assert (history.limit_paisa, history.debt_paisa) == (10_000_000, 50_000)
    assert history.ordered_on == tuple(day(ordered) for ordered in (200, 170, 140, 110, 80))
    assert history.delivered[0] == DeliveredOrder(100_000, day(199), day(169), (Payment(day(139), 100_000),))
    assert history.delivered[4] == DeliveredOrder(50_000, day(79), day(49), ())
    assert (history.accepted, history.cancelled_by_retailer) == (5, 0)
    assert domain.score(history, TODAY).points == 576


def test_a_retailer_without_orders_has_an_empty_history(facts: Facts) -> None:
    facts.retailer(opened=10)

    assert history_of(facts) == History(opened_on=day(10), limit_paisa=0, debt_paisa=0)


def test_an_unknown_retailer_is_refused(facts: Facts) -> None:
    with pytest.raises(Refused, match="no retailer has the code 'RET404'"):
        history_of(facts, "RET404")


def test_each_state_counts_where_the_rules_say(facts: Facts) -> None:
    retailer_id = facts.retailer()
    for number, state in enumerate(OrderState):
        facts.order(retailer_id, state, created_at=ago(20 + number))

    history = history_of(facts)

    reached = [OrderState.COMPLETED, OrderState.DELIVERED, OrderState.DISPATCHED, OrderState.ACCEPTED]
    assert history.ordered_on == tuple(day(20 + list(OrderState).index(state)) for state in reached)
    assert len(history.delivered) == 2
    assert (history.accepted, history.cancelled_by_retailer) == (4, 0)


@pytest.mark.parametrize(
    ("by", "was_accepted", "expected"),
    [
        (CancelledBy.RETAILER, True, (1, 1)),
        (CancelledBy.RETAILER, False, (0, 0)),
        (CancelledBy.VENDOR, True, (1, 0)),
        (CancelledBy.PLATFORM, True, (1, 0)),
    ],
)
def test_a_dispute_is_a_cancellation_by_the_retailer_after_acceptance(
    facts: Facts,
    by: CancelledBy,
    was_accepted: bool,  # noqa: FBT001 - the parameter of a test
    expected: tuple[int, int],
) -> None:
    retailer_id = facts.retailer()
    accepted_at = ago(400) if was_accepted else None
    facts.order(retailer_id, OrderState.CANCELLED, cancelled_by=by, accepted_at=accepted_at, created_at=ago(400))

    history = history_of(facts)

    assert (history.accepted, history.cancelled_by_retailer) == expected
    assert history.ordered_on == ()


def test_reversed_payments_do_not_count(facts: Facts) -> None:
    order_id = facts.order(facts.retailer(), OrderState.DELIVERED, rupees=1_000, rupees_paid=400)
    facts.payment(order_id, 600, ago(5), is_reversed=True)
    facts.payment(order_id, 400, ago(3))

    (order,) = history_of(facts).delivered

    assert order.payments == (Payment(day(3), 40_000),)


def test_an_order_whose_only_payment_was_reversed_is_still_there(facts: Facts) -> None:
    order_id = facts.order(facts.retailer(), OrderState.DELIVERED)
    facts.payment(order_id, 1_000, ago(5), is_reversed=True)

    (order,) = history_of(facts).delivered

    assert order.payments == ()


@pytest.mark.parametrize(("clock", "days_late"), [("23:59:59", 0), ("00:00:00", 1)])
def test_a_day_ends_at_midnight_in_kathmandu(facts: Facts, clock: str, days_late: int) -> None:
    """Both instants are on the due date in UTC: midnight in Kathmandu is 18:15 there."""
    due = 5
    order_id = facts.order(facts.retailer(), OrderState.DELIVERED, rupees_paid=1_000, due_on=day(due))
    facts.payment(order_id, 1_000, ago(due - days_late, clock))

    history = history_of(facts)

    facts_of_payments = domain.score(history, TODAY).parts[domain.Part.PAYMENT_HISTORY].facts
    assert facts_of_payments["average_days_late"] == days_late
    assert facts_of_payments["share_in_time"] == (1 if days_late == 0 else 0)


def test_the_window_opens_at_midnight_in_kathmandu(facts: Facts) -> None:
    retailer_id = facts.retailer()
    first = ago(365, "00:00:00")
    for instant in (first, first - timedelta(seconds=1)):
        facts.order(retailer_id, OrderState.DELIVERED, delivered_at=instant, created_at=instant)

    history = history_of(facts)

    assert history.ordered_on == (day(365),)
    assert [order.delivered_on for order in history.delivered] == [day(365)]
    assert history.accepted == 2


def test_an_order_made_before_the_window_and_delivered_in_it_counts_for_payments(facts: Facts) -> None:
    facts.order(facts.retailer(), OrderState.DELIVERED, created_at=ago(370), delivered_at=ago(360))

    history = history_of(facts)

    assert (len(history.delivered), history.ordered_on) == (1, ())


def test_an_imported_order_counts_by_what_is_known_of_it(facts: Facts) -> None:
    retailer_id = facts.retailer()
    unknown: dict[str, Any] = {"confirmed_at": None, "assigned_at": None, "accepted_at": None, "dispatched_at": None}
    unknown |= {"delivered_at": None, "completed_at": None}
    facts.order(retailer_id, OrderState.COMPLETED, imported=True, created_at=ago(60), due_on=day(30), **unknown)
    facts.order(retailer_id, OrderState.COMPLETED, imported=True, created_at=ago(50), due_on=None, **unknown)

    history = history_of(facts)

    assert [(order.delivered_on, order.due_on) for order in history.delivered] == [(day(60), day(30))]
    assert history.ordered_on == (day(60), day(50))
    assert history.accepted == 2


def test_nobody_answers_for_another_retailer(facts: Facts) -> None:
    facts.worked_example()
    facts.retailer("RET002")

    assert history_of(facts, "RET002").accepted == 0


def test_the_number_of_queries_does_not_grow_with_the_orders(facts: Facts) -> None:
    few, many = facts.retailer("FEW"), facts.retailer("MANY")
    for retailer_id, orders in ((few, 1), (many, 30)):
        for _ in range(orders):
            facts.payment(facts.order(retailer_id, OrderState.DELIVERED, rupees_paid=1_000), 1_000, ago(3))
    counts = []
    for code in ("FEW", "MANY"):
        with statements(facts.database) as asked:
            assert len(history_of(facts, code).delivered) > 0
        counts.append(sum(statement.lstrip().upper().startswith("SELECT") for statement in asked))

    assert counts == [2, 2]


def test_a_score_takes_as_many_queries_with_200_orders_as_with_10(facts: Facts) -> None:
    retailer_id = facts.retailer()
    counts = []
    for orders in (10, 190):
        for _ in range(orders):
            facts.payment(facts.order(retailer_id, OrderState.DELIVERED, rupees_paid=1_000), 1_000, ago(3))
        with statements(facts.database) as asked:
            save(facts, f"credit-{orders}", points=500 + orders)
        counts.append(len(asked))

    assert counts[0] == counts[1]


def test_an_unchanged_score_is_stored_without_touching_the_retailer(facts: Facts) -> None:
    facts.retailer()
    save(facts, "credit-1")
    with statements(facts.database) as asked:
        save(facts, "credit-2")

    assert not any("UPDATE retailers" in statement for statement in asked)
    assert (len(facts.scores()), facts.score_of()) == (2, 576)


def test_a_score_is_stored_with_its_components_and_explanation(facts: Facts) -> None:
    facts.worked_example()

    save(facts, "credit-1")

    (stored,) = facts.scores()
    assert (stored.score, stored.band, stored.trigger, stored.job_id) == (576, "Fair", Trigger.MANUAL, "credit-1")
    assert stored.calculated_at == NOW
    assert stored.components["paymentHistory"]["facts"]["averageDaysLate"] == 33.8
    assert stored.explanation.startswith("Credit score 576 of 300 to 900: Fair.")
    assert facts.score_of() == 576


def test_scores_are_a_history_and_the_newest_is_the_retailers(facts: Facts) -> None:
    facts.worked_example()

    save(facts, "credit-1", points=500)
    save(facts, "credit-2", points=600)

    assert [stored.score for stored in facts.scores()] == [500, 600]
    assert facts.score_of() == 600


def test_a_job_stores_one_score_only(facts: Facts) -> None:
    facts.worked_example()
    save(facts, "credit-1", points=500)

    with pytest.raises(PermanentError, match="credit-1 has stored a score"):
        save(facts, "credit-1", points=600)

    assert [stored.score for stored in facts.scores()] == [500]
    assert facts.score_of() == 500


def test_nothing_is_stored_of_a_transaction_that_fails_afterwards(facts: Facts) -> None:
    facts.worked_example()

    def save_and_fail() -> None:
        with facts.database.session() as tx:
            account = repository.lock_account(tx, RETAILER)
            score = domain.score(repository.history(tx, account, TODAY), TODAY)
            repository.save(tx, account, score, trigger=Trigger.MANUAL, job_id="credit-1", now=NOW)
            raise TimeoutError

    with pytest.raises(TimeoutError):
        save_and_fail()

    assert facts.scores() == []
    assert facts.score_of() is None
