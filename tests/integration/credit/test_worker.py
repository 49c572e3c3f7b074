"""The real worker process of the queue, on a real Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.redis_server import RedisServer
from shared.broker import State, connect, make_broker
from shared.database import Database
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.settings import Settings
from tests.integration.credit.facts import RETAILER, Facts
from tests.kit.engine import PATIENCE_S

pytestmark = pytest.mark.slow


@contextmanager
def a_worker(environment: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "dramatiq", "services.credit.worker:start", "-p", "1", "-t", "2"]
    process = subprocess.Popen([*command, "--skip-logging"], env=os.environ | environment, start_new_session=True)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_the_worker_process_scores_a_retailer(redis_server: RedisServer, sqlite_url: str, tmp_path: Path) -> None:
    """An account of many years, without orders or limit, has the same score on whatever day this runs.

    0.4·0.5 + 0.2·0.2 + 0.2·0.5 + 0.1·1 + 0.1·1 = 0.54; 300 + 600·0.54 = 624.
    """
    database = Database(sqlite_url)
    facts = Facts(database)
    facts.retailer(opened=3_000)
    environment = {"REDIS_URL": redis_server.url, "DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path), "LOG_DIR": ""}
    settings = Settings.from_environment(environment)
    broker, store = make_broker(settings), JobStore(connect(settings))
    with a_worker(environment):
        enqueued = JobQueueService(broker).calculate_credit_score(RETAILER, delay=0)
        deadline = time.monotonic() + PATIENCE_S
        while (job := store.job(enqueued.job_id)).state not in {State.COMPLETED, State.FAILED}:
            assert time.monotonic() < deadline, f"the job is still {job.state}"
            time.sleep(0.02)
    broker.close()

    assert (job.state, job.result["score"]) == (State.COMPLETED, 624)
    assert facts.score_of() == 624
    database.dispose()
