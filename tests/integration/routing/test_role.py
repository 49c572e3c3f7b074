"""On PostgreSQL the service needs no more rights than its role has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.business import OrderState
from shared.database import Database, vendor_records
from shared.database.models import Order
from shared.database.roles import grant_roles
from shared.messages.routing import Answer
from tests.integration.routing.shop import NOW, ORDER, Shop
from tests.kit.roles import url_as


@pytest.fixture
def shop_of_the_role(postgres_url: str) -> Iterator[Shop]:
    """A shop whose rows the owner writes and whose actors run as ``doko_routing``."""
    grant_roles(postgres_url)
    owner, worker = Database(postgres_url), Database(url_as("doko_routing", postgres_url))
    shop = Shop(owner)
    shop.worker = worker
    yield shop
    owner.dispose()
    worker.dispose()


def test_all_jobs_run_with_the_rights_of_the_role(shop_of_the_role: Shop) -> None:
    shop = shop_of_the_role
    shop.order()
    assert [shop.route(attempt=attempt)["needsManualRouting"] for attempt in range(1, 5)] == [False, False, False, True]
    for code in ("VEN001", "VEN002", "VEN003"):
        shop.vendor(code)
    assert shop.route(attempt=5)["vendorId"] == "VEN001"
    shop.offer("VEN001")
    assert shop.answer("VEN001", Answer.DECLINE)["changed"]
    shop.offer("VEN002")
    assert shop.sweep(at=NOW.replace(day=30)) == {"success": True, "offers": 1}
    assert shop.route(attempt=2, previous_vendor_id="VEN002", at=NOW.replace(day=30))["offer"] == "EXPIRED"
    shop.offer("VEN003")
    assert shop.answer("VEN003", Answer.ACCEPT)["offer"] == "ACCEPTED"

    assert shop.find(Order, ORDER).state is OrderState.VENDOR_ASSIGNED


def test_the_scheduler_may_count_the_records(postgres_url: str) -> None:
    grant_roles(postgres_url)
    owner, scheduler = Database(postgres_url), Database(url_as("doko_scheduler", postgres_url))
    Shop(owner).vendor("VEN001")

    counts = []
    for _ in range(2):
        with scheduler.session() as tx:
            counts.append(vendor_records.refresh(tx, NOW))

    assert counts == [1, 1]
    owner.dispose()
    scheduler.dispose()
