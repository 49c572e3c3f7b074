"""The real worker process of the queue, on a real Redis."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.redis_server import RedisServer
from shared.broker import State, make_broker
from shared.database import Database
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.queues import Queue
from shared.settings import Settings
from tests.integration.credit.facts import RETAILER, Facts
from tests.kit.service_worker import service_worker, wait_for_job

pytestmark = pytest.mark.slow


def test_the_worker_process_scores_a_retailer(redis_server: RedisServer, sqlite_url: str, tmp_path: Path) -> None:
    """An account of many years, without orders or limit, has the same score on whatever day this runs.

    0.4·0.5 + 0.2·0.2 + 0.2·0.5 + 0.1·1 + 0.1·1 = 0.54; 300 + 600·0.54 = 624.
    """
    database = Database(sqlite_url)
    facts = Facts(database)
    facts.retailer(opened=3_000)
    environment = {"REDIS_URL": redis_server.url, "DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path), "LOG_DIR": ""}
    settings = Settings.from_environment(environment)
    broker = make_broker(settings)
    store = JobStore(broker.scripts.client)
    with service_worker(Queue.CREDIT_SCORE, environment):
        enqueued = JobQueueService(broker).calculate_credit_score(RETAILER, delay=0)
        job = wait_for_job(store, enqueued.job_id, State.COMPLETED, State.FAILED)
    broker.close()

    assert (job.state, job.result["score"]) == (State.COMPLETED, 624)
    assert facts.score_of() == 624
    database.dispose()
