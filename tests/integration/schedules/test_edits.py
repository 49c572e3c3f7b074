"""Schedules that are edited, paused and removed while they are due."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from shared.errors import ScheduleConflict
from shared.queues import Queue
from shared.schedules import Cron, Run, ScheduledJob
from tests.integration.schedules.conftest import MESSAGE, START, Dies, System, a_dying_runner


def test_an_edit_between_reading_and_claiming_wins(system: System) -> None:
    system.create()
    system.store.pass_time(minutes=15)
    [due] = system.store.due()
    system.store.change("greet", lambda old: replace(old, description="new"), "asha")

    run = Run("greet", due.due_at, ScheduledJob(Queue.WHATSAPP, "message", {"old": True}))
    assert system.store.claim(due, run, START.replace(minute=30), 30_000) is False
    assert system.runner().run_jobs() == 1


def test_an_edit_that_leaves_the_timing_keeps_a_time_that_has_come(system: System) -> None:
    system.create()
    system.store.pass_time(minutes=20)

    data = {**MESSAGE, "data": {"message": "changed"}}
    new = ScheduledJob(Queue.WHATSAPP, "message", data)
    system.store.change("greet", lambda old: replace(old, work=new), "asha")
    system.runner().run_jobs()

    [job_id] = system.waiting()
    assert job_id.endswith("121500.000Z")
    assert system.jobs.job(job_id).data == data


def test_a_new_timing_counts_from_the_edit(system: System) -> None:
    system.create()
    system.store.pass_time(minutes=20)

    system.store.change("greet", lambda old: replace(old, timing=Cron("0 * * * *", "UTC")), "asha")

    assert system.runner().run_jobs() == 0
    assert system.store.entry("greet").due_at == START.replace(hour=13)


def test_a_claimed_run_ends_as_it_was_claimed_whatever_becomes_of_the_schedule(system: System) -> None:
    system.create()
    system.store.pass_time(minutes=15)
    with pytest.raises(Dies):
        a_dying_runner(system, "claim", after=True).run_jobs()

    system.store.remove("greet")
    threading.Event().wait(0.01)

    assert [system.runner().run_jobs() for _ in range(2)] == [1, 0]
    assert len(system.waiting()) == 1
    assert system.store.entries() == []


def test_a_paused_schedule_runs_never_and_catches_nothing_up(system: System) -> None:
    system.create()
    system.store.change("greet", lambda old: replace(old, is_paused=True), "asha")
    system.store.pass_time(hours=5, minutes=1)
    assert system.runner().run_jobs() == 0

    system.store.change("greet", lambda old: replace(old, is_paused=False), "asha")

    assert system.runner().run_jobs() == 0
    assert system.store.entry("greet").due_at == START.replace(hour=17, minute=15)


def test_no_edit_overwrites_another(system: System) -> None:
    system.create(description="0")

    def add_one() -> None:
        for _ in range(20):
            while True:
                try:
                    system.store.change(
                        "greet", lambda old: replace(old, description=str(int(old.description or 0) + 1)), "x"
                    )
                    break
                except ScheduleConflict:
                    continue

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert system.store.entry("greet").schedule.description == "80"
    assert system.store.entry("greet").schedule.revision == 81
