"""Schedulers that die, or lose Redis, lose and repeat nothing."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from shared.broker import NewJob
from shared.broker.options import Enqueued
from shared.errors import QueueFull, RedisUnavailable
from shared.queues import Queue
from shared.schedules import LastRun, Run, ScheduledJob, ScheduleRunner
from tests.integration.schedules.conftest import MESSAGE, START, Dies, System, a_dying_runner


@pytest.mark.parametrize("method", ["claim", "add", "confirm"])
@pytest.mark.parametrize("after", [False, True])
def test_a_scheduler_that_dies_anywhere_loses_and_repeats_nothing(system: System, method: str, *, after: bool) -> None:
    system.create()
    system.store.pass_time(minutes=15)

    with pytest.raises(Dies):
        a_dying_runner(system, method, after=after).run_jobs()
    threading.Event().wait(0.01)
    system.runner().run_jobs()

    assert system.waiting() == ["whatsapp-schedule-greet-20261124T121500.000Z"]
    assert system.store.entry("greet").run is None
    assert system.store.entry("greet").due_at == START.replace(minute=30)
    assert system.runner().run_jobs() == 0


def test_a_claimed_run_is_left_alone_until_its_lease_ends(system: System) -> None:
    system.create()
    system.store.pass_time(minutes=15)
    with pytest.raises(Dies):
        a_dying_runner(system, "claim", after=True, lease_ms=30_000).run_jobs()

    assert system.runner().run_jobs() == 0
    assert system.store.entry("greet").run is not None


def test_a_job_that_finished_and_left_redis_is_not_made_again(system: System) -> None:
    """The stream of events still knows it, and the archive later."""
    system.create()
    system.store.pass_time(minutes=15)
    with pytest.raises(Dies):
        a_dying_runner(system, "add", after=True).run_jobs()
    [job_id] = system.waiting()

    class Archive:
        def job(self, wanted: str) -> object:
            assert wanted == job_id
            return object()

    system.broker.flush(Queue.WHATSAPP)
    threading.Event().wait(0.01)
    assert ScheduleRunner(system.store, system.broker, Archive(), {}).run_jobs() == 1
    assert system.waiting() == []


def test_a_run_that_was_taken_over_is_not_confirmed_by_its_first_holder(system: System) -> None:
    system.create()
    system.store.pass_time(minutes=15)
    [due] = system.store.due()
    run = Run("greet", due.due_at, ScheduledJob(Queue.WHATSAPP, "message", MESSAGE), token="first")
    assert system.store.claim(due, run, START.replace(minute=30), 1)
    threading.Event().wait(0.01)
    assert system.store.take_over(run, replace(run, token="second"), 30_000)

    assert system.store.confirm(run, LastRun(START, START, is_successful=True)) is False
    assert system.store.hold(run, 30_000) is False
    assert system.store.take_over(run, run, 30_000) is False
    assert system.store.entry("greet").last is None


def test_redis_away_leaves_the_run_for_later(system: System) -> None:
    class Away:
        def add(self, job: NewJob) -> Enqueued:
            raise RedisUnavailable(job.name)

    system.create()
    system.store.pass_time(minutes=15)
    with pytest.raises(RedisUnavailable):
        ScheduleRunner(system.store, Away(), system.jobs, {}, lease_ms=1).run_jobs()
    threading.Event().wait(0.01)

    assert system.runner().run_jobs() == 1
    assert len(system.waiting()) == 1


def test_one_queue_that_is_full_does_not_stop_the_others(system: System) -> None:
    class Full:
        def add(self, job: NewJob) -> Enqueued:
            if job.queue is Queue.CREDIT_SCORE:
                raise QueueFull("full")
            return system.broker.add(job)

    score = ScheduledJob(Queue.CREDIT_SCORE, "credit-score-calculation", {"retailerId": "RET001", "trigger": "manual"})
    system.create("a-score", work=score)
    system.create("greet")
    system.store.pass_time(minutes=15)

    assert ScheduleRunner(system.store, Full(), system.jobs, {}, retry_after_ms=0).run_jobs() == 1
    assert len(system.waiting()) == 1
    assert system.runner().run_jobs() == 1
    assert system.jobs.queue_stats(Queue.CREDIT_SCORE).waiting == 1
