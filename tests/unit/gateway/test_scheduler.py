"""The scheduler's parts run by themselves, whatever becomes of the others."""

from __future__ import annotations

import threading
import time

import pytest

from gateway.scheduler import Part, Scheduler


def test_a_part_that_fails_neither_stops_the_others_nor_is_it_given_up() -> None:
    failed = threading.Semaphore(0)
    worked = threading.Semaphore(0)

    def fail() -> None:
        failed.release()
        raise RuntimeError

    scheduler = Scheduler([Part("bad", fail, 0.001), Part("good", worked.release, 0.001)])
    thread = threading.Thread(target=scheduler.run)
    thread.start()

    for _ in range(3):
        assert failed.acquire(timeout=10)
        assert worked.acquire(timeout=10)
    scheduler.stop()
    thread.join(10)

    assert not thread.is_alive()


def test_the_pause_doubles_with_each_failure_up_to_half_a_minute() -> None:
    part = Part("x", lambda: None, 0.5)

    assert [part.wait_s(failures) for failures in (0, 1, 2, 10)] == [0.5, 1, 2, 30]


def test_a_part_whose_run_takes_too_long_is_named_as_stuck_until_it_ends() -> None:
    release = threading.Event()
    scheduler = Scheduler([Part("hangs", release.wait, 0.01, stuck_after_s=0.1), Part("long", release.wait, 0.01)])
    thread = threading.Thread(target=scheduler.run)
    thread.start()

    assert eventually(scheduler, "not moving: hangs")
    release.set()
    assert eventually(scheduler, "")
    scheduler.stop()
    thread.join(10)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_part_whose_thread_died_is_named_as_stuck() -> None:
    release = threading.Event()

    def die() -> None:
        raise SystemExit

    scheduler = Scheduler([Part("dies", die, 0.01), Part("lives", release.wait, 0.01)])
    thread = threading.Thread(target=scheduler.run)
    thread.start()

    assert eventually(scheduler, "not moving: scheduler-dies")
    scheduler.stop()
    release.set()
    thread.join(10)


def eventually(scheduler: Scheduler, stuck: str, seconds: float = 20) -> bool:
    """Whether the scheduler comes to say so."""
    deadline = time.monotonic() + seconds
    while scheduler.stuck() != stuck and time.monotonic() < deadline:
        time.sleep(0.01)
    return scheduler.stuck() == stuck
