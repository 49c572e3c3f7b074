"""One step at a time, and a step in flight is completed by whichever thread comes next."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from shared.broker.finish import Call
from shared.broker.turn import Turn

WAIT_S = 10


def _turn() -> tuple[Turn, threading.Condition]:
    state = threading.Condition()
    return Turn(state), state


def test_a_thread_that_waited_for_its_turn_completes_the_step_that_was_left_in_flight() -> None:
    turn, _ = _turn()
    assert turn.take() is None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(turn.take)
        call = Call(token="1")
        turn.pass_on(call)
        assert waiting.result(WAIT_S) is call
    assert turn.in_flight is None


def test_of_many_waiting_threads_one_completes_the_step_and_each_gets_its_turn() -> None:
    turn, _ = _turn()
    assert turn.take() is None
    at_once, most, completed = 0, 0, []
    counting = threading.Lock()

    def step() -> None:
        nonlocal at_once, most
        call = turn.take()
        with counting:
            at_once += 1
            most = max(most, at_once)
            completed.append(call)
        with counting:
            at_once -= 1
        turn.pass_on(None)

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(step) for _ in range(8)]
        turn.pass_on(Call())
        for one in waiting:
            one.result(WAIT_S)
    assert most == 1
    assert sum(call is not None for call in completed) == 1


def test_a_turn_is_tried_without_waiting_and_refused_while_a_step_is_in_flight() -> None:
    turn, state = _turn()
    with state:
        assert turn.try_to_take()
        assert not turn.try_to_take()
    turn.pass_on(Call())
    with state:
        assert not turn.try_to_take()
    assert turn.take() is not None
    turn.pass_on(None)
    with state:
        assert turn.try_to_take()
