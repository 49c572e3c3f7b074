"""Schedules on a real Redis, with a clock that tests set; callers of the API as in the gateway's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from typing_extensions import override

from shared.broker import DokoBroker
from shared.broker.connection import connect
from shared.job_store import JobStore
from shared.queues import Queue
from shared.schedules import Cron, Housekeeping, Schedule, ScheduledJob, ScheduleRunner, ScheduleStore
from tests.integration.gateway.conftest import admin, anonymous, app, operator, parts, settings, viewer
from tests.integration.reminders.conftest import debts, scheduler

__all__ = ["admin", "anonymous", "app", "debts", "operator", "parts", "scheduler", "settings", "viewer"]

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MESSAGE = {"type": "GENERIC_MESSAGE", "recipient": "+9779800000000", "data": {"message": "Namaste"}}


class SetStore(ScheduleStore):
    """A store whose time the test sets; leases go by Redis' own."""

    time = START

    @override
    def now(self) -> datetime:
        return self.time

    def pass_time(self, **parts: float) -> None:
        self.time += timedelta(**parts)


class System:
    """A store, and as many runners on it as a test wants."""

    def __init__(self, client: redis.Redis, broker: DokoBroker) -> None:
        self.client = client
        self.store = SetStore(client)
        self.broker = broker
        self.jobs = JobStore(client)
        self.functions: dict[str, Callable[[], str]] = {}

    def runner(self, *, lease_ms: int = 30_000, retry_after_ms: int = 0) -> ScheduleRunner:
        return ScheduleRunner(
            self.store, self.broker, self.jobs, self.functions, lease_ms=lease_ms, retry_after_ms=retry_after_ms
        )

    def waiting(self) -> list[str]:
        return [job.id for job in self.jobs.jobs(Queue.WHATSAPP).jobs]

    def create(self, schedule_id: str = "greet", cron: str = "*/15 * * * *", **changes: object) -> Schedule:
        values = {
            "id": schedule_id,
            "timing": Cron(cron, "Asia/Kathmandu"),
            "work": ScheduledJob(Queue.WHATSAPP, "message", MESSAGE),
            "zone": "Asia/Kathmandu",
            "created_at": self.store.now(),
            "created_by": "test",
            "updated_at": self.store.now(),
            "updated_by": "test",
            **changes,
        }
        return self.store.create(Schedule(**values)).schedule  # type: ignore[arg-type]  # the fields' names

    def create_housekeeping(self, function: Callable[[], str], name: str = "tidy") -> None:
        self.functions[name] = function
        self.create(name, work=Housekeeping(name))


@pytest.fixture
def system(redis_url: str, redis_client: redis.Redis) -> Iterator[System]:
    broker = DokoBroker(connect(redis_url))
    yield System(redis_client, broker)
    broker.close()


class Dies(BaseException):
    """Ends a runner where kill -9 would: nothing below catches it."""


class Dying:
    """A broker, store or list of jobs that dies before or after what it does."""

    def __init__(self, whole: Any, method: str, *, after: bool) -> None:
        self._whole, self._method, self._after = whole, method, after

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._whole, name)
        if name != self._method:
            return attribute

        def die(*arguments: Any, **options: Any) -> None:
            if self._after:
                attribute(*arguments, **options)
            raise Dies

        return die


def a_dying_runner(system: System, method: str, *, after: bool, lease_ms: int = 1) -> ScheduleRunner:
    store: Any = Dying(system.store, method, after=after)
    broker: Any = Dying(system.broker, method, after=after)
    return ScheduleRunner(store, broker, system.jobs, system.functions, lease_ms=lease_ms)
