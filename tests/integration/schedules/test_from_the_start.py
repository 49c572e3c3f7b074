"""The platform's own schedules, and the scheduler process that makes and runs them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.default_schedules import EXPIRE_OFFERS, HOUSEKEEPING, default_schedules
from gateway.housekeeping import FUNCTIONS
from gateway.scheduled_work import ScheduledWork
from shared.broker import make_broker
from shared.database import Database
from shared.queues import Queue
from shared.schedules import Cron, Interval, Schedule, ScheduledJob, ScheduleStore
from shared.settings import Settings
from tests.integration.schedules.conftest import START, System
from tests.kit.system import System as Processes
from tests.kit.system import wait_until

WITH_REPORT = Settings(report_email_to="bank@example.com")


def by_id(settings: Settings) -> dict[str, Schedule]:
    return {schedule.id: schedule for schedule in default_schedules(settings, START)}


def test_the_times_are_those_of_the_platform() -> None:
    times = {name: Cron(cron, "Asia/Kathmandu").next_after(START) for name, cron, _ in (*HOUSEKEEPING, EXPIRE_OFFERS)}

    kathmandu = {name: (due + timedelta(hours=5, minutes=45)).strftime("%H:%M") for name, due in times.items()}
    assert kathmandu == {
        "credit-scores": "02:00",
        "clean-jobs": "03:00",
        "remove-expired-reports": "03:00",
        "mark-overdue": "08:55",
        "remind-retailers": "09:00",
        "vendor-records": "18:00",
        "expire-offers": "18:00",
    }


def test_only_housekeeping_that_exists_is_scheduled() -> None:
    known = {
        schedule.work.name for schedule in by_id(Settings()).values() if not isinstance(schedule.work, ScheduledJob)
    }

    assert known == {name for name, _, _ in HOUSEKEEPING} & set(FUNCTIONS)
    assert "clean-jobs" in known


def test_overdue_offers_are_checked_by_a_job_of_the_routing_service() -> None:
    work = by_id(Settings())["expire-offers"].work

    assert work == ScheduledJob(Queue.ORDER_ROUTING, "offer-expiry", {})


def test_the_liability_report_needs_somebody_to_send_it_to() -> None:
    assert "liability-report" not in by_id(Settings())

    report = by_id(WITH_REPORT)["liability-report"]

    assert isinstance(report.work, ScheduledJob)
    assert report.work.queue is Queue.REPORT_GENERATION
    assert report.work.data["type"] == "OUTSTANDING_LIABILITY"
    assert report.work.data["email"] == "bank@example.com"
    assert report.timing.next_after(START) == datetime(2026, 11, 30, 1, 15, tzinfo=UTC)


def test_they_are_made_once(system: System) -> None:
    seeds = default_schedules(WITH_REPORT, START)

    assert [system.store.seed(schedule) for schedule in seeds] == [True] * len(seeds)
    assert [system.store.seed(schedule) for schedule in seeds] == [False] * len(seeds)
    assert len(system.store.entries()) == len(seeds)


def test_one_that_was_removed_stays_removed(system: System) -> None:
    [seed] = default_schedules(Settings(), START)[:1]
    system.store.seed(seed)
    system.store.remove(seed.id)

    assert system.store.seed(seed) is False
    assert system.store.entries() == []


def test_one_that_nobody_touched_takes_the_new_definition(system: System) -> None:
    system.store.seed(by_id(WITH_REPORT)["liability-report"])
    moved = by_id(replace(WITH_REPORT, report_email_to="new@example.com"))["liability-report"]

    assert system.store.seed(moved) is True

    work: Any = system.store.entry("liability-report").schedule.work
    assert work.data["email"] == "new@example.com"


def test_one_that_somebody_changed_stays_as_it_is(system: System) -> None:
    [seed] = default_schedules(Settings(), START)[:1]
    system.store.seed(seed)
    system.store.change(seed.id, lambda old: replace(old, timing=Interval(60_000, START)), "asha")

    assert system.store.seed(seed) is False
    assert system.store.entry(seed.id).schedule.timing == Interval(60_000, START)


@pytest.fixture
def work_settings(redis_url: str, sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    return {"REDIS_URL": redis_url, "DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path)}


def test_the_daily_cleaning_removes_old_jobs(work_settings: dict[str, str], redis_client: redis.Redis) -> None:
    settings = Settings.from_environment(work_settings)
    database, broker = Database(settings.database_url), make_broker(settings)
    hour = 3_600_000
    now = int(datetime.now(UTC).timestamp() * 1000)
    prefix = "doko:{whatsapp-messages}:"
    ages = {"completed": {"old": now - 25 * hour, "new": now - 23 * hour}}
    ages["failed"] = {"old": now - 169 * hour, "new": now - 167 * hour}
    for state, jobs in ages.items():
        redis_client.zadd(prefix + state, {f"whatsapp-{state}-{name}": at for name, at in jobs.items()})
        for name, at in jobs.items():
            redis_client.hset(f"{prefix}job:whatsapp-{state}-{name}", mapping={"state": state, "finished": at})
    work = ScheduledWork(settings, database, broker)
    work.run_jobs()
    redis_client.zadd("doko:{schedules}:due", {"clean-jobs": now - 1})

    assert work.run_housekeeping() == 1

    last = ScheduleStore(redis_client).entry("clean-jobs").last
    assert last is not None
    assert last.outcome == "removed 1 completed and 1 failed jobs"
    assert redis_client.zrange(prefix + "completed", 0, -1) == [b"whatsapp-completed-new"]
    assert redis_client.zrange(prefix + "failed", 0, -1) == [b"whatsapp-failed-new"]
    database.dispose()
    broker.close()


@pytest.mark.slow
def test_the_scheduler_process_makes_and_runs_schedules(redis_url: str, sqlite_url: str, tmp_path: Path) -> None:
    system = Processes(tmp_path, redis_url, sqlite_url, {"REPORT_EMAIL_TO": "bank@example.com"})
    try:
        system.start("gateway", "scheduler")
        wait_until(lambda: system.get("/schedules")["count"] >= 2, system.output)
        body = {
            "id": "often",
            "interval": 1_000,
            "job": {
                "queue": "CREDIT_SCORE",
                "name": "credit-score-calculation",
                "data": {"retailerId": "RET001", "trigger": "manual"},
            },
        }
        assert system.ask("POST", "/schedules", body).status_code == 201
        wait_until(lambda: system.counts("CREDIT_SCORE")["waiting"] >= 3, system.output)
        assert system.ask("POST", "/schedules/clean-jobs/run").status_code == 202
        last = wait_until(lambda: system.get("/schedules/clean-jobs")["lastRun"], system.output)
        assert last["outcome"] == "removed 0 completed and 0 failed jobs"
        assert system.stop("scheduler") == 0
    finally:
        system.close()
