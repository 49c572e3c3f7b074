"""The real worker process of the queue, on a real Redis, at noon and at night."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.redis_server import RedisServer
from shared.broker import State, make_broker
from shared.clock import BUSINESS_ZONE
from shared.database import Database
from shared.job_records import Job
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.queues import Queue
from shared.settings import Settings
from tests.integration.reminders.debts import Debts
from tests.kit.service_worker import service_worker, wait_for_job

pytestmark = pytest.mark.slow


class Site:
    """A worker's environment at a time of day in Kathmandu, a producer, and a look at what became of jobs."""

    def __init__(self, environment: dict[str, str], hour: int) -> None:
        local = datetime.now(UTC).astimezone(BUSINESS_ZONE)
        offset_minutes = (hour - local.hour) * 60 - local.minute
        self.environment = environment | {"CLOCK_OFFSET": f"{offset_minutes}m", "PAYMENT_URL": "https://pay.example"}
        settings = Settings.from_environment(self.environment)
        self.today = settings.clock().today()
        self.broker = make_broker(settings)
        self.calls = JobQueueService(self.broker, clock=settings.clock())
        self._store = JobStore(self.broker.scripts.client)

    def wait_for(self, job_id: str, *states: State) -> Job:
        """The job once it exists and is in one of the states."""
        return wait_for_job(self._store, job_id, *states)

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A worker process, stopped at the end."""
        with service_worker(Queue.PAYMENT_REMINDERS, self.environment):
            yield
        self.broker.close()


@pytest.fixture
def environment(redis_server: RedisServer, database_url: str, tmp_path: Path) -> dict[str, str]:
    return {"REDIS_URL": redis_server.url, "DATABASE_URL": database_url, "DATA_DIR": str(tmp_path), "LOG_DIR": ""}


def test_the_worker_process_reminds_skips_and_refuses(
    environment: dict[str, str], debts: Debts, database: Database
) -> None:
    site = Site(environment, hour=12)
    debts.order("A", late=1, today=site.today)

    with site.worker():
        site.calls.send_payment_reminder("RET001", None, "OVERDUE", job_id="first")
        sent = site.wait_for("reminders-first", State.COMPLETED)
        site.calls.send_payment_reminder("RET001", "A", "OVERDUE", job_id="second")
        site.calls.send_payment_reminder("RET001", "ORD404", "OVERDUE", job_id="unknown")
        message = site.wait_for("whatsapp-reminders-first-message", State.WAITING)
        skipped = site.wait_for("reminders-second", State.COMPLETED)
        refused = site.wait_for("reminders-unknown", State.FAILED)

    assert (sent.result["orders"], sent.result["messageJobId"]) == (1, message.id)
    assert message.data["data"]["paymentLink"] == "https://pay.example/RET001"
    assert (skipped.result["skipped"], skipped.attempt) == (True, 1)
    assert refused.error is not None
    assert (refused.error["type"], refused.attempt) == ("Refused", 1)


def test_at_night_a_job_waits_for_the_morning_without_using_an_attempt(
    environment: dict[str, str], debts: Debts, database: Database
) -> None:
    site = Site(environment, hour=22)
    debts.order("A", late=1, today=site.today)

    with site.worker():
        before = datetime.now(UTC)
        site.calls.send_payment_reminder("RET001", None, "OVERDUE", job_id="late")
        job = site.wait_for("reminders-late", State.DELAYED)

    assert job.attempt == 0
    due = site.broker.scripts.client.zscore("doko:{payment-reminders}:delayed", "reminders-late")
    assert float(due or 0) / 1000 - before.timestamp() == pytest.approx(timedelta(hours=10).total_seconds(), abs=120)
    assert debts.messages() == []
