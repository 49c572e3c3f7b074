"""How schedules and their runs are stored, and the ids of the runs' jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.broker.options import MAX_JOB_ID_LENGTH, JobOptions, NewJob
from shared.queues import Queue
from shared.schedules import Cron, Housekeeping, Interval, LastRun, Run, Schedule, ScheduledJob
from shared.schedules.model import run_job_id

AT = datetime(2026, 11, 30, 1, 15, tzinfo=UTC)
JOB = ScheduledJob(Queue.REPORT_GENERATION, "report", {"type": "PURCHASE_VOLUME"}, 1, {"priority": 10})


def a_schedule(**changes: object) -> Schedule:
    cron = Cron("0 7 * * MON", "Asia/Kathmandu")
    schedule = Schedule("weekly", cron, JOB, "Asia/Kathmandu", AT, "asha", AT, "asha", "Every week")
    return replace(schedule, **changes)  # type: ignore[arg-type]  # the fields' names


@pytest.mark.parametrize(
    "schedule",
    [
        a_schedule(),
        a_schedule(timing=Interval(60_000, AT), is_paused=True, revision=7),
        a_schedule(work=Housekeeping("clean-jobs"), description=None),
    ],
)
def test_a_schedule_is_read_as_it_was_stored(schedule: Schedule) -> None:
    assert Schedule.from_bytes("weekly", schedule.to_bytes()) == schedule


@pytest.mark.parametrize("work", [JOB, Housekeeping("clean-jobs")])
def test_a_run_is_read_as_it_was_stored(work: ScheduledJob | Housekeeping) -> None:
    run = Run("weekly", AT, work, tries=3, token="t")

    assert Run.from_bytes("weekly", run.to_bytes()) == run
    assert Run.from_bytes("weekly", run.to_bytes()).to_bytes() == run.to_bytes()


def test_a_last_run_is_read_as_it_was_stored() -> None:
    last = LastRun(AT, AT + timedelta(seconds=1), is_successful=False, job_id=None, outcome="OSError: disk full")

    assert LastRun.from_bytes(last.to_bytes()) == last


def test_a_runs_job_id_is_made_of_schedule_and_due_time() -> None:
    assert Run("weekly", AT, JOB).job_id == "reports-schedule-weekly-20261130T011500.000Z"
    assert Run("weekly", AT + timedelta(milliseconds=5), JOB, tries=2, token="other").job_id == (
        "reports-schedule-weekly-20261130T011500.005Z"
    )
    assert Run("weekly", AT, Housekeeping("clean-jobs")).job_id is None


def test_the_longest_id_of_a_schedule_makes_a_job_id_that_the_engine_takes() -> None:
    assert max(len(run_job_id(queue, "x" * 64, AT)) for queue in Queue) <= MAX_JOB_ID_LENGTH


def test_a_runs_job_is_the_stored_one_under_the_runs_id() -> None:
    job = NewJob(Queue.WHATSAPP, "message", {"a": 1}, 2, JobOptions(priority=3, job_id="mine", delay_ms=50))

    stored = ScheduledJob.of(job)

    assert stored.new_job("whatsapp-1") == replace(job, options=replace(job.options, job_id="whatsapp-1"))


def test_a_definition_is_the_same_whoever_wrote_it_when() -> None:
    assert a_schedule().same_definition(a_schedule(updated_by="sita", revision=3, is_paused=True))
    assert not a_schedule().same_definition(a_schedule(timing=Cron("0 8 * * MON", "Asia/Kathmandu")))
    assert not a_schedule().same_definition(a_schedule(work=Housekeeping("clean-jobs")))
