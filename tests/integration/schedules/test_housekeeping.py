"""Housekeeping runs once at a time, keeps its lease, and is given up when it fails too often."""

from __future__ import annotations

import threading

import pytest

from shared.errors import ScheduleConflict
from shared.schedules import Housekeeping, Run
from shared.schedules.runner import MOST_TRIES
from tests.integration.schedules.conftest import START, Dies, System


def test_housekeeping_runs_and_says_what_it_did(system: System) -> None:
    system.create_housekeeping(lambda: "removed 3 things")
    system.store.pass_time(minutes=15)

    assert (system.runner().run_jobs(), system.runner().run_housekeeping()) == (0, 1)
    last = system.store.entry("tidy").last
    assert last is not None
    assert (last.outcome, last.job_id) == ("removed 3 things", None)


def test_a_function_that_this_process_does_not_have_is_left_to_others(system: System) -> None:
    system.create("unknown", work=Housekeeping("unknown"))
    system.store.pass_time(minutes=15)

    assert system.runner().run_housekeeping() == 0
    assert system.store.entry("unknown").due_at == START.replace(minute=15)
    system.functions["unknown"] = lambda: "known now"
    assert system.runner().run_housekeeping() == 1


def test_long_housekeeping_keeps_its_lease(system: System) -> None:
    began, go_on = threading.Event(), threading.Event()
    runs = []

    def slowly() -> str:
        runs.append(1)
        began.set()
        go_on.wait(10)
        return "done"

    system.create_housekeeping(slowly)
    system.store.pass_time(minutes=15)
    first = threading.Thread(target=system.runner(lease_ms=150).run_housekeeping)
    first.start()
    began.wait(10)
    threading.Event().wait(0.5)

    assert system.runner(lease_ms=150).run_housekeeping() == 0
    go_on.set()
    first.join()
    assert runs == [1]
    assert system.store.entry("tidy").run is None


def test_housekeeping_never_overlaps_itself_and_catches_up_once(system: System) -> None:
    system.create_housekeeping(lambda: "done")
    system.store.pass_time(minutes=15)
    system.store.request(Run("tidy", system.store.now(), Housekeeping("tidy")))
    system.store.pass_time(minutes=45)

    assert [system.runner().run_housekeeping() for _ in range(3)] == [2, 0, 0]


def test_housekeeping_that_fails_is_tried_again_and_given_up(system: System) -> None:
    tries = []

    def fail() -> str:
        tries.append(1)
        raise OSError("no space for 9800000000")

    system.create_housekeeping(fail)
    system.store.pass_time(minutes=15)
    for _ in range(MOST_TRIES + 2):
        system.runner().run_housekeeping()

    assert len(tries) == MOST_TRIES
    last = system.store.entry("tidy").last
    assert last is not None
    assert (last.is_successful, last.outcome) == (False, "OSError: no space for ***00")
    assert system.store.entry("tidy").run is None


def test_housekeeping_that_kills_its_process_is_given_up(system: System) -> None:
    def die() -> str:
        raise Dies

    system.create_housekeeping(die)
    system.store.pass_time(minutes=15)
    for _ in range(MOST_TRIES):
        with pytest.raises(Dies):
            system.runner(lease_ms=1).run_housekeeping()
        threading.Event().wait(0.01)
    system.runner().run_housekeeping()

    last = system.store.entry("tidy").last
    assert last is not None
    assert last.outcome == "the process that ran it died 5 times"


def test_a_run_by_hand_is_refused_while_one_is_under_way(system: System) -> None:
    system.create_housekeeping(lambda: "done")
    system.store.request(Run("tidy", START, Housekeeping("tidy")))

    with pytest.raises(ScheduleConflict, match="under way"):
        system.store.request(Run("tidy", START, Housekeeping("tidy")))
