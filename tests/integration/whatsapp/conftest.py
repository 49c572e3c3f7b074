"""The WhatsApp double, and the settings that point to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from services.whatsapp.clients.meta import MetaProvider
from services.whatsapp.clients.twilio import TwilioProvider
from services.whatsapp.templates import TEMPLATES
from shared.broker import DokoBroker, EngineConfig
from shared.database import Database
from shared.job_store import JobStore
from shared.settings import Settings
from shared.settings_whatsapp import WhatsAppSettings
from tests.doubles.whatsapp_provider import (
    META_PHONE_NUMBER_ID,
    META_TOKEN,
    TWILIO_ACCOUNT,
    TWILIO_FROM,
    TWILIO_TOKEN,
    WhatsAppDouble,
)
from tests.integration.whatsapp.desk import Desk, open_desk
from tests.integration.whatsapp.hooks import SETTINGS, WEBHOOK_URL, Hooks, an_app
from tests.integration.whatsapp.market import Market

TIMEOUT_MS = 1_000


@pytest.fixture
def double() -> Iterator[WhatsAppDouble]:
    """A provider with our templates registered."""
    with WhatsAppDouble() as server:
        server.register((each.name, each.language.value, each.body) for each in TEMPLATES.values())
        yield server


def meta_settings(url: str, **changes: object) -> WhatsAppSettings:
    """Settings of a Meta account at ``url``."""
    values: dict[str, object] = {
        "provider": "meta",
        "meta_access_token": META_TOKEN,
        "meta_phone_number_id": META_PHONE_NUMBER_ID,
        "meta_base_url": url,
        "timeout_ms": TIMEOUT_MS,
    }
    return WhatsAppSettings(**(values | changes))  # type: ignore[arg-type]


def twilio_settings(url: str, **changes: object) -> WhatsAppSettings:
    """Settings of a Twilio account at ``url``."""
    values: dict[str, object] = {
        "provider": "twilio",
        "twilio_account_sid": TWILIO_ACCOUNT,
        "twilio_auth_token": TWILIO_TOKEN,
        "twilio_from": TWILIO_FROM,
        "twilio_base_url": url,
        "twilio_webhook_url": WEBHOOK_URL,
        "timeout_ms": TIMEOUT_MS,
    }
    return WhatsAppSettings(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def meta_desk(double: WhatsAppDouble, database: Database) -> Iterator[Desk]:
    """A sender through Meta."""
    with open_desk(MetaProvider(meta_settings(double.url)), database) as desk:
        yield desk


@pytest.fixture
def twilio_desk(double: WhatsAppDouble, database: Database) -> Iterator[Desk]:
    """A sender through Twilio."""
    with open_desk(TwilioProvider(twilio_settings(double.url)), database) as desk:
        yield desk


@pytest.fixture
def hooks(database: Database, redis_client: redis.Redis) -> Iterator[Hooks]:
    """A gateway's webhooks, on a real database and Redis."""
    broker = DokoBroker(redis_client, EngineConfig.from_settings(Settings()))
    app = an_app(SETTINGS, database, broker, redis_client)
    yield Hooks(app.test_client(), database, broker, JobStore(redis_client))
    broker.close()


@pytest.fixture(params=["meta", "twilio"])
def market(request: pytest.FixtureRequest, hooks: Hooks) -> Market:
    """Shops and vendors that write to us, through each provider."""
    return Market(hooks, request.param)


@pytest.fixture
def meta_market(hooks: Hooks) -> Market:
    """The same through Meta only."""
    return Market(hooks)
