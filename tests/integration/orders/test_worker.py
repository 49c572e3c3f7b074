"""The real worker process of the queue, on a real Redis: actions in their order, and one that is refused."""

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
from tests.integration.orders.shop import ORDER, TOTAL, Shop
from tests.kit.service_worker import service_worker, wait_for_job

pytestmark = pytest.mark.slow


def test_the_worker_process_takes_an_order_along_and_refuses_what_the_machine_does_not_have(
    redis_server: RedisServer, database: Database, database_url: str, tmp_path: Path
) -> None:
    shop = Shop(database)
    environment = {"REDIS_URL": redis_server.url, "DATABASE_URL": database_url, "DATA_DIR": str(tmp_path)}
    settings = Settings.from_environment({**environment, "LOG_DIR": ""})
    broker = make_broker(settings)
    store = JobStore(broker.scripts.client)
    jobs = JobQueueService(broker)

    with service_worker(Queue.ORDER_PROCESSING, {**environment, "LOG_DIR": ""}):
        confirmed = wait_for_job(store, jobs.confirm_order(ORDER).job_id, State.COMPLETED, State.FAILED)
        early = wait_for_job(store, jobs.complete_order(ORDER).job_id, State.COMPLETED, State.FAILED)
        assigned = jobs.assign_vendor_to_order(ORDER, "VEN001").job_id
        wait_for_job(store, assigned, State.COMPLETED)
        accepted = wait_for_job(store, jobs.update_order_status(ORDER, "ACCEPTED").job_id, State.COMPLETED)
        notice = wait_for_job(store, f"whatsapp-{assigned}-vendor-notice", State.WAITING)
    broker.close()

    assert (confirmed.state, confirmed.result["state"]) == (State.COMPLETED, "CONFIRMED")
    assert early.error is not None
    assert (early.state, early.attempt, early.error["type"]) == (State.FAILED, 1, "Refused")
    assert "from CONFIRMED to COMPLETED" in early.error["message"]
    assert accepted.result["state"] == "ACCEPTED"
    assert notice.data["type"] == "VENDOR_NOTIFICATION"
    assert (shop.debt(), shop.stock()) == (TOTAL, [15, 25])
