"""On PostgreSQL the gateway obeys commands with no more rights than its role has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
import redis

from shared.broker import DokoBroker, EngineConfig
from shared.database import Database
from shared.database.roles import grant_roles
from shared.job_store import JobStore
from shared.settings import Settings
from tests.integration.whatsapp.hooks import SETTINGS, Hooks, an_app
from tests.integration.whatsapp.market import SHOP_PHONE, STRANGER, Market
from tests.kit.roles import url_as

pytestmark = pytest.mark.slow


@pytest.fixture
def market(postgres_url: str, redis_client: redis.Redis) -> Iterator[Market]:
    """A market whose rows the owner writes and whose webhooks run as ``doko_gateway``."""
    grant_roles(postgres_url)
    owner, gateway = Database(postgres_url), Database(url_as("doko_gateway", postgres_url))
    broker = DokoBroker(redis_client, EngineConfig.from_settings(Settings()))
    client = an_app(SETTINGS, gateway, broker, redis_client).test_client()
    yield Market(Hooks(client, gateway, broker, JobStore(redis_client)), owner=owner)
    broker.close()
    gateway.dispose()
    owner.dispose()


def test_every_command_is_obeyed_with_the_rights_of_the_role(market: Market) -> None:
    market.vendor()
    market.offer("ORD1")
    market.shop()
    market.debt("ORD2", date(2026, 12, 8))

    market.write("ACCEPT ORD1")
    market.write("BALANCE", SHOP_PHONE)
    market.write("ACCEPT ORD9", STRANGER)
    market.write("STOP", STRANGER)
    market.write("START", STRANGER)

    assert market.answers() == [("ORD1", "VEN001", "ACCEPT")]
    assert (len(market.balances()), len(market.replies()), market.opted_out(STRANGER)) == (1, 2, False)
