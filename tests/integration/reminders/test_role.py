"""On PostgreSQL the service and the scheduler's housekeeping need no more rights than their roles have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.housekeeping.credit import score_retailers
from gateway.housekeeping.orders import mark_overdue
from gateway.housekeeping.reminders import remind_retailers
from shared.database import Database
from shared.database.roles import grant_roles
from shared.messages.reminders import ReminderType
from shared.queues import Queue
from tests.integration.reminders.debts import Debts, Scheduler
from tests.kit.roles import url_as


@pytest.fixture
def owner_url(postgres_url: str) -> str:
    """A database whose roles are granted."""
    grant_roles(postgres_url)
    return postgres_url


@pytest.fixture
def debts_of_the_role(owner_url: str) -> Iterator[Debts]:
    """Retailers whose rows the owner writes, reminded by ``doko_reminders``."""
    owner, worker = Database(owner_url), _acting_as("doko_reminders", owner_url)
    debts = Debts(owner)
    debts.worker = worker
    debts.retailer(opted_out=False)
    yield debts
    owner.dispose()
    worker.dispose()


@pytest.fixture
def scheduler_of_the_role(owner_url: str, redis_url: str) -> Iterator[Scheduler]:
    """A scheduler that is ``doko_scheduler``."""
    database = _acting_as("doko_scheduler", owner_url)
    scheduler = Scheduler(database, redis_url)
    yield scheduler
    scheduler.close()
    database.dispose()


def test_reminders_run_with_the_rights_of_the_role(debts_of_the_role: Debts) -> None:
    debts = debts_of_the_role
    debts.order("A", late=1)

    assert debts.remind(ReminderType.OVERDUE, "A")["skipped"] is False
    assert debts.remind(ReminderType.OVERDUE)["skipped"] is True
    assert debts.remind(ReminderType.DUE_SOON)["skipped"] is True
    assert len(debts.messages()) == 1


def test_the_housekeeping_of_each_day_runs_with_the_rights_of_the_role(
    debts_of_the_role: Debts, scheduler_of_the_role: Scheduler
) -> None:
    debts_of_the_role.order("A", late=3)
    parts = scheduler_of_the_role.parts()

    assert mark_overdue(parts) == "1 orders became overdue"
    assert remind_retailers(parts).startswith("1 retailers to remind")
    assert score_retailers(parts) == "1 retailers to score, 1 new jobs"
    assert len(scheduler_of_the_role.asked(Queue.CREDIT_SCORE)) == 1


def _acting_as(role: str, url: str) -> Database:
    return Database(url_as(role, url))
