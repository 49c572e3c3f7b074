from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.broker.outcome import JobCancelled, JobTimedOut, LeaseLost, WorkerStopping
from shared.middleware.interrupts import MOST_REMEMBERED, Interrupts

NO_BROKER = cast("Any", None)


def a_job(job_id: str = "j", token: str = "t", timeout_ms: int = 60_000) -> Any:  # noqa: S107 - a lease token
    return SimpleNamespace(message_id=job_id, token=token, timeout_ms=timeout_ms, started=0.0)


def run(interrupts: Interrupts, job: Any, act: Any = None) -> BaseException | None:
    """Run a job in this thread until it is interrupted; None if nothing interrupts it within a moment."""
    try:
        interrupts.before_process_message(NO_BROKER, job)
        if act is not None:
            act()
        for _ in range(50):
            time.sleep(0.002)
    except BaseException as interrupt:  # noqa: BLE001 - an interrupt is no Exception
        interrupts.after_process_message(NO_BROKER, job, exception=interrupt)
        return interrupt
    interrupts.after_process_message(NO_BROKER, job)
    return None


def test_a_cancel_hits_the_attempt_that_runs() -> None:
    interrupts = Interrupts()
    assert isinstance(run(interrupts, a_job(), lambda: interrupts.cancel("j", "t")), JobCancelled)


@pytest.mark.parametrize("order", [("other", "t"), ("j", "other")])
def test_a_cancel_of_another_attempt_hits_nobody(order: tuple[str, str]) -> None:
    interrupts = Interrupts()
    assert run(interrupts, a_job(), lambda: interrupts.cancel(*order)) is None


def test_a_cancel_ahead_of_its_attempt_is_remembered() -> None:
    interrupts = Interrupts()
    interrupts.cancel("j", "t")
    assert isinstance(run(interrupts, a_job()), JobCancelled)
    assert run(interrupts, a_job()) is None


def test_a_late_cancel_is_not_for_the_next_attempt() -> None:
    interrupts = Interrupts()
    interrupts.cancel("j", "first")
    assert run(interrupts, a_job(token="second")) is None


def test_orders_that_nobody_asks_for_are_forgotten_in_the_end() -> None:
    interrupts = Interrupts()
    for number in range(MOST_REMEMBERED + 50):
        interrupts.cancel(f"j{number}", "t")
    assert len(interrupts._before_start) == MOST_REMEMBERED
    assert run(interrupts, a_job("j0")) is None


def test_a_lost_lease_interrupts_and_is_not_remembered() -> None:
    interrupts = Interrupts()
    assert isinstance(run(interrupts, a_job(), lambda: interrupts.lease_lost("j", "t")), LeaseLost)
    interrupts.lease_lost("k", "t")
    assert run(interrupts, a_job("k")) is None


def test_the_end_of_the_grace_interrupts_and_lets_nothing_start() -> None:
    interrupts = Interrupts()
    assert isinstance(run(interrupts, a_job(), interrupts.stop_all), WorkerStopping)
    assert isinstance(run(interrupts, a_job()), WorkerStopping)


def test_a_deadline_interrupts_only_the_job_that_passed_it() -> None:
    interrupts = Interrupts()
    interrupts.after_worker_boot(NO_BROKER, None)
    assert isinstance(run(interrupts, a_job(timeout_ms=1)), JobTimedOut)
    assert run(interrupts, a_job(timeout_ms=60_000)) is None


def test_an_interrupt_that_comes_too_late_reaches_neither_the_next_job_nor_an_idle_thread() -> None:
    interrupts = Interrupts()
    hits: list[BaseException] = []
    done = threading.Event()

    def thread() -> None:
        try:
            for number in range(300):
                job = a_job(str(number))
                try:
                    interrupts.before_process_message(NO_BROKER, job)
                    sum(range(200))
                    interrupts.after_process_message(NO_BROKER, job)
                except LeaseLost as lost:
                    interrupts.after_process_message(NO_BROKER, job, exception=lost)
            for _ in range(100):
                time.sleep(0.0005)
        except BaseException as error:  # noqa: BLE001 - what must not happen
            hits.append(error)
        done.set()

    worker = threading.Thread(target=thread)
    worker.start()
    while not done.is_set():
        for attempt in [entry.attempt for entry in list(interrupts._running.values())]:
            interrupts.lease_lost(*attempt)
    worker.join()
    assert hits == []
