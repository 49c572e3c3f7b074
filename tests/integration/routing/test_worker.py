"""The real worker process, on a real Redis: a routing, an answer, the sweep, and what they ask of the next queue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import redis

from deploy.local.redis_server import RedisServer
from shared.broker import State, make_broker
from shared.database import Database
from shared.job_records import Job
from shared.job_store import JobStore
from shared.jobs.requests import new_job
from shared.messages import Message
from shared.messages.routing import Answer, AnswerOffer, ExpireOffers, OrderData, RouteOrder, WantedItem
from shared.queues import Queue
from shared.settings import Settings
from tests.integration.routing.shop import ORDER, Shop
from tests.kit.service_worker import service_worker, wait_for_job

pytestmark = pytest.mark.slow


class Site:
    """A worker's environment, a producer and a look at what became of jobs."""

    def __init__(self, environment: dict[str, str], client: redis.Redis, database: Database) -> None:
        self.environment = environment
        self.shop = Shop(database)
        self._store = JobStore(client)
        self._broker = make_broker(Settings.from_environment(environment))

    def enqueue(self, job_id: str, message: Message) -> None:
        self._broker.add(new_job(message, {"jobId": job_id}))

    def wait_for(self, job_id: str, *states: State) -> Job:
        """The job once it exists and is in one of the states."""
        return wait_for_job(self._store, job_id, *states)

    def worker(self) -> AbstractContextManager[None]:
        """A worker process, stopped at the end."""
        return service_worker(Queue.ORDER_ROUTING, self.environment)

    def close(self) -> None:
        self._broker.close()


@pytest.fixture
def site(
    redis_server: RedisServer, redis_client: redis.Redis, database: Database, database_url: str, tmp_path: Path
) -> Iterator[Site]:
    environment = {
        "REDIS_URL": redis_server.url,
        "DATABASE_URL": database_url,
        "DATA_DIR": str(tmp_path),
        "LOG_DIR": "",
        "LEASE_MS": "1000",
        "SHUTDOWN_GRACE_MS": "1000",
        "SWEEP_INTERVAL_MS": "200",
    }
    opened = Site(environment, redis_client, database)
    yield opened
    opened.close()


def test_routings_answers_and_expiries_ask_for_what_follows(site: Site) -> None:
    now = datetime.now(UTC)
    site.shop.vendor("VEN001")
    site.shop.vendor("VEN002", city="Pokhara", state="Gandaki")
    for number in (ORDER, "DECLINED", "OVERDUE"):
        site.shop.order(number)
    site.shop.offer("VEN001", "DECLINED", offered_at=now)
    site.shop.offer("VEN001", "OVERDUE", offered_at=now - timedelta(days=2))

    order_data = OrderData("RET001", (WantedItem("RICE", Decimal(10)),))

    with site.worker():
        site.enqueue("routing-1", RouteOrder(ORDER, order_data))
        site.enqueue("routing-2", AnswerOffer("DECLINED", "VEN001", Answer.DECLINE))
        site.enqueue("routing-3", ExpireOffers())
        site.enqueue("routing-4", RouteOrder("ORD404", order_data))
        routed = site.wait_for("routing-1", State.COMPLETED)
        refused = site.wait_for("routing-4", State.FAILED)
        assignment = site.wait_for("orders-routing-1-assign-vendor", State.WAITING)
        next_look = site.wait_for("routing-routing-2-route-again", State.DELAYED)
        expired = site.wait_for("routing-routing-3-check-1", State.COMPLETED)
        after_expiry = site.wait_for("routing-routing-routing-3-check-1-route-again", State.DELAYED)

    assert routed.result["vendorId"] == "VEN001"
    assert routed.result["score"] > 0
    assert assignment.data == {"orderId": ORDER, "action": "ASSIGN_VENDOR", "data": {"vendorId": "VEN001"}}
    assert refused.error is not None
    assert (refused.error["message"], refused.attempt) == ("there is no order ORD404", 1)
    assert next_look.data == {"orderId": "DECLINED", "attempt": 2, "previousVendorId": "VEN001"}
    assert expired.result["offer"] == "EXPIRED"
    assert after_expiry.data == {"orderId": "OVERDUE", "attempt": 2, "previousVendorId": "VEN001"}
