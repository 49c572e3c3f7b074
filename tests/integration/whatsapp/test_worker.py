"""The real worker process, on a real Redis, sending to the provider double."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from deploy.local.redis_server import RedisServer
from shared.broker import JobOptions, NewJob, State, make_broker
from shared.database import Database
from shared.database.send_records import find
from shared.job_records import Job
from shared.job_store import JobStore
from shared.messages import dump
from shared.messages.whatsapp import SendMessage
from shared.queues import Queue
from shared.settings import Settings
from tests.doubles import whatsapp_answers as answers
from tests.doubles.whatsapp_answers import meta_error
from tests.doubles.whatsapp_provider import META_PHONE_NUMBER_ID, META_TOKEN, WhatsAppDouble
from tests.unit.services.whatsapp.builders import PHONE, a_message

pytestmark = pytest.mark.slow

PACE_MS = 1_000
FINISHED = (State.COMPLETED, State.FAILED)


class Site:
    """A worker's environment, a producer and a look at what became of jobs."""

    def __init__(self, environment: dict[str, str], client: redis.Redis, database: Database) -> None:
        self.environment = environment
        self.store = JobStore(client)
        self.database = database
        self._broker = make_broker(Settings.from_environment(environment))

    def enqueue(self, job_id: str, recipient: str = PHONE) -> None:
        data = dump(a_message(recipient=recipient))
        options = JobOptions(job_id=job_id)
        self._broker.add(NewJob(Queue.WHATSAPP, SendMessage.JOB_NAME, data, SendMessage.VERSION, options))

    def wait_for(self, job_id: str, *states: State, seconds: float = 20) -> Job:
        """The job once it is in one of the states."""
        deadline = time.monotonic() + seconds
        job = self.store.job(job_id)
        while job.state not in states:
            assert time.monotonic() < deadline, f"{job_id} is still {job.state}: {job.error}"
            time.sleep(0.02)
            job = self.store.job(job_id)
        return job

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """A worker process, stopped at the end."""
        command = [sys.executable, "-m", "dramatiq", "services.whatsapp.worker:start", "-p", "1", "-t", "2"]
        environment = os.environ | self.environment
        process = subprocess.Popen([*command, "--skip-logging"], env=environment, start_new_session=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(30)

    def close(self) -> None:
        self._broker.close()
        self.database.dispose()


@pytest.fixture
def site(
    double: WhatsAppDouble, redis_server: RedisServer, redis_client: redis.Redis, sqlite_url: str, tmp_path: Path
) -> Iterator[Site]:
    environment = {
        "REDIS_URL": redis_server.url,
        "DATABASE_URL": sqlite_url,
        "DATA_DIR": str(tmp_path),
        "LOG_DIR": "",
        "LEASE_MS": "1000",
        "SHUTDOWN_GRACE_MS": "1000",
        "SWEEP_INTERVAL_MS": "200",
        "WHATSAPP_PROVIDER": "meta",
        "WHATSAPP_META_ACCESS_TOKEN": META_TOKEN,
        "WHATSAPP_META_PHONE_NUMBER_ID": META_PHONE_NUMBER_ID,
        "WHATSAPP_META_BASE_URL": double.url,
        "WHATSAPP_RECIPIENT_INTERVAL_MS": str(PACE_MS),
        "WHATSAPP_RECEIPT_WAIT_MS": "1500",
        "WHATSAPP_TIMEOUT_MS": "20000",
    }
    opened = Site(environment, redis_client, Database(sqlite_url))
    yield opened
    opened.close()


def test_messages_are_sent_paced_and_retried_by_the_rules(site: Site, double: WhatsAppDouble) -> None:
    others = ["+9779811111111", "+9779822222222", "+9779844444444"]
    double.script(others[0], meta_error(131056, retry_after="1"))
    double.script(others[1], meta_error(131026))
    with site.worker():
        for number in range(3):
            site.enqueue(f"whatsapp-{number}")
        for recipient in others[:2]:
            site.enqueue(f"whatsapp-{recipient[-10:]}", recipient)
        jobs = [site.wait_for(f"whatsapp-{number}", *FINISHED) for number in range(3)]
        released = site.wait_for("whatsapp-9811111111", *FINISHED)
        permanent = site.wait_for("whatsapp-9822222222", *FINISHED)

        double.script(others[2], meta_error(190, 401))
        site.enqueue("whatsapp-last", others[2])
        site.wait_for("whatsapp-last", State.FAILED)

    assert [job.state for job in jobs] == [State.COMPLETED] * 3
    assert jobs[0].result["provider"] == "meta"
    # Redis paces the starts; when the provider hears of them depends on the machine too.
    at_ms = sorted(job.started_at_ms or 0 for job in jobs)
    assert all(later - earlier >= PACE_MS for earlier, later in pairwise(at_ms)), "one recipient, one a second"
    assert (released.state, released.attempt) == (State.COMPLETED, 1)
    assert (permanent.state, permanent.attempt) == (State.FAILED, 1)
    stats = site.store.queue_stats(Queue.WHATSAPP)
    assert stats.is_paused
    assert stats.pause is not None
    assert "190" in stats.pause.why


def test_a_worker_killed_while_the_provider_answers_sends_again_only_after_the_wait(
    site: Site, double: WhatsAppDouble
) -> None:
    double.script(PHONE, answers.slow(15))
    with site.worker() as worker:
        site.enqueue("whatsapp-1")
        double.wait_for_taken(1)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(10)
    with site.worker():
        job = site.wait_for("whatsapp-1", *FINISHED)

    assert job.state is State.COMPLETED
    assert job.result["possibleDuplicate"] is True
    assert len(double.taken) == 2
    assert double.taken[1].at - double.taken[0].at >= 1.4
    with site.database.session() as tx:
        record = find(tx, "whatsapp-1")
        assert record is not None
        assert record.possible_duplicate
