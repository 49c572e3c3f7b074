"""A producer with its checks: at the end of each test that used it, sets, records, counters and stream must agree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.redis_server import RedisServer
from tests.kit.agreement import assert_agreement
from tests.kit.engine import Engine


@pytest.fixture
def bare_engine(redis_server: RedisServer) -> Iterator[Engine]:
    """A producer without the final check, for tests that damage Redis on purpose."""
    engine = Engine(redis_server.url)
    yield engine
    engine.close()


@pytest.fixture
def engine(bare_engine: Engine) -> Iterator[Engine]:
    """A producer; after the test, everything in Redis must agree."""
    yield bare_engine
    assert_agreement(bare_engine)
