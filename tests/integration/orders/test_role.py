"""On PostgreSQL the service needs no more rights than its role has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import update
from sqlalchemy.exc import ProgrammingError

from shared.business import OrderState
from shared.database import Database
from shared.database.models import Order, Vendor, VendorOffer
from shared.database.roles import grant_roles
from shared.errors import Refused
from tests.integration.orders.shop import NOW, Shop
from tests.kit.roles import url_as


@pytest.fixture
def shop_of_the_role(postgres_url: str) -> Iterator[Shop]:
    """A shop whose rows the owner writes and whose actor runs as ``doko_orders``."""
    grant_roles(postgres_url)
    owner, worker = Database(postgres_url), Database(url_as("doko_orders", postgres_url))
    shop = Shop(owner)
    shop.worker = worker
    yield shop
    owner.dispose()
    worker.dispose()


def test_all_actions_run_with_the_rights_of_the_role(shop_of_the_role: Shop) -> None:
    shop = shop_of_the_role
    shop.bring_to(OrderState.DELIVERED)
    assert shop.pay("1130.00")["paymentStatus"] == "PAID"
    assert shop.take_back()["paymentStatus"] == "PENDING"
    assert shop.complete()["changed"]
    shop.draft("ORD2")
    shop.bring_to(OrderState.VENDOR_ASSIGNED, "ORD2")
    shop.change(VendorOffer, state="REJECTED", answered_at=NOW)
    with shop.database.session() as tx:
        order = tx.query(Order).filter_by(number="ORD2").one()
        order.state, order.vendor_id = OrderState.CONFIRMED, None
    assert shop.assign(number="ORD2")["success"]
    assert shop.cancel(number="ORD2")["changed"]
    shop.draft("ORD3", vendor="VEN001")
    shop.confirm("ORD3")
    shop.change(Vendor, approved=False)
    assert shop.assign("VEN001", "ORD3")["success"] is False
    with pytest.raises(Refused):
        shop.assign("VEN002", "ORD3")


def test_the_role_can_not_change_what_an_order_costs(shop_of_the_role: Shop) -> None:
    dearer = update(Order).values(subtotal_paisa=Order.subtotal_paisa + 1, total_paisa=Order.total_paisa + 1)
    with shop_of_the_role.worker.session() as tx, pytest.raises(ProgrammingError, match="permission denied"):
        tx.execute(dearer)
