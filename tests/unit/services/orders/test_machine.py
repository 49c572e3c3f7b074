"""The machine of orders: every pair of state and action, and that it never leaves the diagram."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders import domain
from shared.business import WAY, OrderState, was_accepted
from shared.errors import Refused
from shared.messages.orders import OrderAction, OrderStatus

DIAGRAM = {
    ("DRAFT", "CONFIRMED"),
    ("CONFIRMED", "VENDOR_ASSIGNED"),
    ("VENDOR_ASSIGNED", "ACCEPTED"),
    ("ACCEPTED", "DISPATCHED"),
    ("DISPATCHED", "DELIVERED"),
    ("DELIVERED", "COMPLETED"),
    ("VENDOR_ASSIGNED", "CONFIRMED"),
    ("DRAFT", "CANCELLED"),
    ("CONFIRMED", "CANCELLED"),
    ("VENDOR_ASSIGNED", "CANCELLED"),
    ("ACCEPTED", "CANCELLED"),
    ("DISPATCHED", "CANCELLED"),
    ("DELIVERED", "CANCELLED"),
}
FORWARD: list[tuple[OrderAction, OrderStatus | None, OrderState]] = [
    (OrderAction.CONFIRM, None, OrderState.CONFIRMED),
    (OrderAction.ASSIGN_VENDOR, None, OrderState.VENDOR_ASSIGNED),
    (OrderAction.UPDATE_STATUS, OrderStatus.ACCEPTED, OrderState.ACCEPTED),
    (OrderAction.UPDATE_STATUS, OrderStatus.DISPATCHED, OrderState.DISPATCHED),
    (OrderAction.UPDATE_STATUS, OrderStatus.DELIVERED, OrderState.DELIVERED),
    (OrderAction.COMPLETE, None, OrderState.COMPLETED),
]
PAYMENTS = [OrderAction.RECORD_PAYMENT, OrderAction.REVERSE_PAYMENT]
REQUESTS = [
    *((action, status) for action, status, _ in FORWARD),
    (OrderAction.CANCEL, None),
    *((action, None) for action in PAYMENTS),
]


def test_the_transitions_are_those_of_the_diagram() -> None:
    assert {(old.value, new.value) for old, new in domain.TRANSITIONS} == DIAGRAM


@pytest.mark.parametrize("state", WAY)
@pytest.mark.parametrize(("action", "status", "target"), FORWARD)
def test_an_action_moves_one_state_on_or_nothing_or_names_both_states(
    state: OrderState, action: OrderAction, status: OrderStatus | None, target: OrderState
) -> None:
    ahead = WAY.index(target) - WAY.index(state)
    if ahead > 1:
        with pytest.raises(Refused, match=f"from {state} to {target}"):
            domain.step(state, action, status)
        return

    step = domain.step(state, action, status)

    assert step.changed is (ahead == 1)
    assert step.to_state is (target if ahead == 1 else state)


@pytest.mark.parametrize("state", WAY[:-1])
def test_every_state_before_completed_can_be_cancelled(state: OrderState) -> None:
    assert domain.step(state, OrderAction.CANCEL) == domain.Step(state, OrderState.CANCELLED)


def test_a_completed_order_cannot_be_cancelled() -> None:
    with pytest.raises(Refused, match="from COMPLETED to CANCELLED"):
        domain.step(OrderState.COMPLETED, OrderAction.CANCEL)


def test_cancelling_a_cancelled_order_changes_nothing() -> None:
    assert not domain.step(OrderState.CANCELLED, OrderAction.CANCEL).changed


@pytest.mark.parametrize(("action", "status", "target"), FORWARD)
def test_a_cancelled_order_refuses_to_move_and_names_both_states(
    action: OrderAction, status: OrderStatus | None, target: OrderState
) -> None:
    with pytest.raises(Refused, match=f"is CANCELLED and can't become {target}"):
        domain.step(OrderState.CANCELLED, action, status)


@pytest.mark.parametrize("action", PAYMENTS)
def test_a_cancelled_order_refuses_payments_and_their_reversal(action: OrderAction) -> None:
    with pytest.raises(Refused, match=r"the order is CANCELLED$"):
        domain.step(OrderState.CANCELLED, action)


@pytest.mark.parametrize("action", PAYMENTS)
@pytest.mark.parametrize("state", WAY)
def test_payments_move_no_order(state: OrderState, action: OrderAction) -> None:
    assert not domain.step(state, action).changed


def test_a_status_update_needs_its_status() -> None:
    with pytest.raises(ValueError, match="needs the status"):
        domain.step(OrderState.DRAFT, OrderAction.UPDATE_STATUS)


def test_an_order_counts_as_accepted_from_accepted_to_completed() -> None:
    assert [state.value for state in OrderState if was_accepted(state)] == [
        "ACCEPTED",
        "DISPATCHED",
        "DELIVERED",
        "COMPLETED",
    ]


@given(st.lists(st.sampled_from(REQUESTS), max_size=30))
def test_no_sequence_of_actions_leaves_the_diagram(requests: list[tuple[OrderAction, OrderStatus | None]]) -> None:
    history = [OrderState.DRAFT]

    for action, status in requests:
        try:
            step = domain.step(history[-1], action, status)
        except Refused:
            continue
        if step.changed:
            history.append(step.to_state)

    assert {(old.value, new.value) for old, new in pairwise(history)} <= DIAGRAM
    assert len(set(history)) == len(history)
