"""What is due runs once, at the right time."""

from __future__ import annotations

from shared.broker import JobOptions, NewJob
from shared.queues import Queue
from shared.schedules import Interval, ScheduledJob
from tests.integration.schedules.conftest import MESSAGE, START, System


def test_nothing_runs_before_its_time(system: System) -> None:
    system.create()
    system.store.pass_time(minutes=14, seconds=59)

    assert system.runner().run_jobs() == 0
    assert system.waiting() == []


def test_a_due_schedule_runs_once_and_is_due_again_later(system: System) -> None:
    system.create()
    system.store.pass_time(minutes=15)

    assert [system.runner().run_jobs() for _ in range(3)] == [1, 0, 0]

    assert system.waiting() == ["whatsapp-schedule-greet-20261124T121500.000Z"]
    entry = system.store.entry("greet")
    assert entry.due_at == START.replace(minute=30)
    assert entry.run is None
    assert entry.last is not None
    assert (entry.last.is_successful, entry.last.outcome, entry.last.job_id) == (True, "enqueued", *system.waiting())


def test_each_time_makes_a_job_of_its_own(system: System) -> None:
    system.create()
    for _ in range(4):
        system.store.pass_time(minutes=15)
        system.runner().run_jobs()

    assert len(system.waiting()) == 4


def test_what_was_missed_is_caught_up_by_one_run(system: System) -> None:
    system.create()
    system.store.pass_time(days=3, minutes=7)

    assert [system.runner().run_jobs() for _ in range(3)] == [1, 0, 0]

    assert system.waiting() == ["whatsapp-schedule-greet-20261124T121500.000Z"]
    assert system.store.entry("greet").due_at == START.replace(day=27, minute=15)


def test_an_interval_runs_at_its_rhythm(system: System) -> None:
    system.create(timing=Interval(60_000, START))
    seen = []
    for _ in range(10):
        system.store.pass_time(seconds=30)
        seen.append(system.runner().run_jobs())

    assert seen == [0, 1] * 5


def test_options_of_the_job_are_kept(system: System) -> None:
    job = ScheduledJob.of(NewJob(Queue.WHATSAPP, "message", MESSAGE, options=JobOptions(priority=7, delay_ms=60_000)))
    system.create(work=job)
    system.store.pass_time(minutes=15)

    system.runner().run_jobs()

    [job_id] = system.waiting()
    assert system.jobs.job(job_id).options["priority"] == 7
    assert system.jobs.job(job_id).state == "delayed"


def test_a_run_whose_key_is_held_says_so(system: System) -> None:
    held = NewJob(Queue.WHATSAPP, "message", MESSAGE, options=JobOptions(deduplication_key="one"))
    holder = system.broker.add(held)
    system.create(work=ScheduledJob.of(held))
    system.store.pass_time(minutes=15)

    system.runner().run_jobs()

    last = system.store.entry("greet").last
    assert last is not None
    assert last.outcome == f"deduplicated: the unfinished job {holder.job_id} holds its key"
    assert system.waiting() == [holder.job_id]
