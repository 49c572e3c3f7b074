"""The real worker process of the queue, on a real Redis: a report in each format, and one that is refused."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from deploy.local.redis_server import RedisServer
from shared.broker import State, make_broker
from shared.database import Database
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.queues import Queue
from shared.settings import Settings
from tests.integration.reports.office import Office
from tests.kit.service_worker import service_worker, wait_for_job

pytestmark = pytest.mark.slow

BEGINS = {"csv": b"Retailer Code,", "json": b"{", "xlsx": b"PK\x03\x04", "pdf": b"%PDF-"}


def test_the_worker_process_makes_every_format_and_refuses_an_unknown_retailer(
    redis_server: RedisServer, sqlite_url: str, tmp_path: Path
) -> None:
    database = Database(sqlite_url)
    office = Office(database, tmp_path)
    office.shop(city="Kathmandu")
    environment = {"REDIS_URL": redis_server.url, "DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path), "LOG_DIR": ""}
    settings = Settings.from_environment(environment)
    broker = make_broker(settings)
    store = JobStore(broker.scripts.client)
    jobs = JobQueueService(broker)

    with service_worker(Queue.REPORT_GENERATION, environment):
        made = {each: jobs.generate_report("CREDIT_SUMMARY", each, {}, "sita").job_id for each in BEGINS}
        wrong = jobs.generate_report("CREDIT_SUMMARY", "csv", {"retailerId": "RET404"}, "sita").job_id
        ends = {each: wait_for_job(store, job_id, State.COMPLETED, State.FAILED) for each, job_id in made.items()}
        refused = wait_for_job(store, wrong, State.COMPLETED, State.FAILED)
    broker.close()

    assert {each: job.state for each, job in ends.items()} == dict.fromkeys(BEGINS, State.COMPLETED)
    for each, job_id in made.items():
        with closing(office.storage.open(office.record(job_id).location or "")) as file:
            assert file.read().startswith(BEGINS[each])
    assert (refused.state, refused.attempt) == (State.FAILED, 1)
    database.dispose()
