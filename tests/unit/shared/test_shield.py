"""Shielded places are not interrupted, and what a job leaves open is closed."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.broker.outcome import JobCancelled
from shared.middleware.interrupts import Interrupts
from shared.shield import close_leftovers, closed, opened, shielded

NO_BROKER = cast("Any", None)
JOB = cast("Any", SimpleNamespace(message_id="j", token="t", timeout_ms=60_000, started=0.0))


def _a_moment() -> None:
    for _ in range(20):
        time.sleep(0.001)


def test_an_interrupt_waits_for_the_end_of_the_shielded_place() -> None:
    interrupts, done = Interrupts(), []
    interrupts.before_process_message(NO_BROKER, JOB)

    def work() -> None:
        with shielded():
            interrupts.cancel("j", "t")
            with shielded():
                _a_moment()
            _a_moment()
            done.append("shielded")
        _a_moment()
        done.append("after")

    with pytest.raises(JobCancelled):
        work()
    interrupts.after_process_message(NO_BROKER, JOB)
    assert done == ["shielded"]


def test_an_interrupt_that_was_held_back_never_reaches_the_next_job() -> None:
    interrupts = Interrupts()
    interrupts.before_process_message(NO_BROKER, JOB)
    shield = shielded()
    shield.__enter__()
    interrupts.cancel("j", "t")
    interrupts.after_process_message(NO_BROKER, JOB)
    shield.__exit__(None, None, None)
    _a_moment()


def test_without_a_job_shielding_does_nothing() -> None:
    with shielded():
        _a_moment()


def test_what_a_job_leaves_open_is_closed_when_it_is_left_newest_first() -> None:
    interrupts, order, first, second, third = Interrupts(), cast("list[str]", []), object(), object(), object()
    interrupts.before_process_message(NO_BROKER, JOB)
    opened(first, lambda: order.append("first"))
    opened(second, lambda: order.append("second"))
    opened(third, lambda: order.append("third"))
    closed(second)
    interrupts.after_process_message(NO_BROKER, JOB)
    assert order == ["third", "first"]
    assert close_leftovers() == 0
