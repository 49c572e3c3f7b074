"""What holds for every history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.credit import domain
from services.credit.components import DeliveredOrder, Payment
from services.credit.domain import History
from services.credit.explanation import explain
from tests.unit.services.credit.builders import TODAY, ago

AMOUNTS = st.integers(1, 10**9)
DAYS = st.integers(-20, 400)


@st.composite
def payments_of(draw: st.DrawFn, total_paisa: int) -> tuple[Payment, ...]:
    amounts, left = [], total_paisa
    for _ in range(draw(st.integers(0, 4))):
        if left > 0:
            # The rest at once, often, so that orders are paid off.
            amounts.append(draw(st.just(left) | st.integers(1, left)))
            left -= amounts[-1]
    return tuple(Payment(ago(draw(DAYS)), amount) for amount in amounts)


@st.composite
def orders(draw: st.DrawFn) -> DeliveredOrder:
    total = draw(AMOUNTS)
    delivered = draw(st.integers(0, 380))
    due = delivered - draw(st.integers(0, 120))
    return DeliveredOrder(total, ago(delivered), ago(due), draw(payments_of(total)))


@st.composite
def histories(draw: st.DrawFn) -> History:
    accepted = draw(st.integers(0, 300))
    return History(
        opened_on=ago(draw(st.integers(-1, 3_000))),
        limit_paisa=draw(st.just(0) | AMOUNTS),
        debt_paisa=draw(st.integers(-(10**9), 10**10)),
        delivered=tuple(draw(st.lists(orders(), max_size=8))),
        ordered_on=tuple(ago(day) for day in draw(st.lists(DAYS, max_size=40))),
        accepted=accepted,
        cancelled_by_retailer=draw(st.integers(0, accepted)),
    )


@given(histories())
def test_a_score_stays_between_300_and_900_and_its_components_between_0_and_1(history: History) -> None:
    score = domain.score(history, TODAY)

    assert 300 <= score.points <= 900
    assert all(0 <= component.value <= 1 for component in score.parts.values())


@given(histories(), st.data())
def test_a_score_never_rises_when_a_payment_gets_later(history: History, data: st.DataObject) -> None:
    paid = [(o, p) for o, order in enumerate(history.delivered) for p in range(len(order.payments))]
    if not paid:
        return
    order_at, payment_at = data.draw(st.sampled_from(paid))
    order = history.delivered[order_at]
    later_by = timedelta(days=data.draw(st.integers(1, 500)))
    payments = list(order.payments)
    payments[payment_at] = payments[payment_at]._replace(paid_on=payments[payment_at].paid_on + later_by)
    delivered = list(history.delivered)
    delivered[order_at] = order._replace(payments=tuple(payments))

    later = domain.score(replace(history, delivered=tuple(delivered)), TODAY)

    assert later.points <= domain.score(history, TODAY).points


@given(histories(), AMOUNTS)
def test_a_score_never_rises_with_the_debt(history: History, more_paisa: int) -> None:
    deeper = replace(history, debt_paisa=history.debt_paisa + more_paisa)

    assert domain.score(deeper, TODAY).points <= domain.score(history, TODAY).points


@given(histories())
def test_every_score_can_be_explained_and_its_points_add_up(history: History) -> None:
    score = domain.score(history, TODAY)

    assert len(explain(score).text.splitlines()) == 7
    # Five components, each rounded to four decimals.
    exact = 300 + sum(part["points"] for part in explain(score).components.values())
    assert abs(exact - score.points) <= 0.5 + 5 * 0.00005
