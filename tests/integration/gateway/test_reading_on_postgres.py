"""Reading orders and retailers on PostgreSQL, with the rights of the gateway's role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from gateway.app import create_app
from gateway.context import Gateway
from gateway.roles import Role
from gateway.snapshot import snapshot
from shared.database import Database
from shared.database.models import Retailer
from shared.database.roles import grant_roles
from shared.settings import Settings
from tests.integration.database import business_rows as rows
from tests.integration.gateway.conftest import caller
from tests.integration.gateway.reading import a_business, revelations
from tests.kit.roles import url_as


@pytest.fixture
def owner(postgres_url: str) -> Iterator[Database]:
    """A business as the owner of its tables sees it."""
    database = Database(postgres_url)
    a_business(database)
    grant_roles(postgres_url)
    yield database
    database.dispose()


@pytest.fixture
def app(owner: Database, postgres_url: str, redis_url: str, tmp_path: Any) -> Iterator[Flask]:
    """The gateway with the rights of its role."""
    values = {"REDIS_URL": redis_url, "DATA_DIR": str(tmp_path)}
    values["DATABASE_URL"] = url_as("doko_gateway", postgres_url)
    app = create_app(Settings.from_environment(values))
    yield app
    parts: Gateway = app.extensions["doko"]
    parts.database.dispose()
    parts.broker.close()


def test_the_gateways_role_may_read_all_of_it(app: Flask, owner: Database) -> None:
    with owner.session() as tx:
        tx.add_all([rows.a_score(), rows.an_event(), rows.a_decision(chosen_vendor_id=1)])
    admin = caller(app, Role.ADMIN)

    retailer: Any = admin.get("/retailers/RET001?reveal=true")
    order: Any = admin.get("/orders/ORD2611000001?reveal=true")
    routed = admin.post("/orders/ORD2611000001/route")
    taken_back = admin.post("/payments/PAY001/reverse", {"reason": "It bounced"})

    assert [each.status_code for each in (retailer, order, routed, taken_back)] == [200, 200, 202, 202]
    assert (retailer.json["phone"], len(retailer.json["scores"])) == ("+9779800000001", 1)
    assert order.json["routingDecisions"][0]["vendorCode"] == "VEN001"
    assert [target for target, _, _ in revelations(app.extensions["doko"])] == ["RET001", "ORD2611000001"]


def test_an_answer_of_several_queries_is_of_one_moment(app: Flask, owner: Database) -> None:
    debt = select(Retailer.debt_paisa).where(Retailer.code == "RET001")
    with app.app_context():
        with snapshot() as tx:
            before = tx.scalar(debt)
            with owner.session() as other:
                other.get_one(Retailer, 1).debt_paisa = 5
            assert tx.scalar(debt) == before
        with snapshot() as tx:
            assert tx.scalar(debt) == 5
