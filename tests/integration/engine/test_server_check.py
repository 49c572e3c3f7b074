"""A Redis that may lose jobs is named loudly at start."""

from __future__ import annotations

from typing import Any

import redis

from shared.broker.connection import connect
from shared.broker.server_check import warn_of_unsafe_server


def test_an_append_only_redis_that_evicts_nothing_is_safe(redis_client: Any) -> None:
    assert warn_of_unsafe_server(redis_client) == []


def test_a_redis_that_evicts_keys_or_forgets_at_its_end_is_named(redis_client: Any) -> None:
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    redis_client.config_set("appendonly", "no")
    try:
        problems = warn_of_unsafe_server(redis_client)
    finally:
        redis_client.config_set("maxmemory-policy", "noeviction")
        redis_client.config_set("appendonly", "yes")

    assert len(problems) == 2
    assert "allkeys-lru" in problems[0]
    assert "appendonly yes" in problems[1]


def test_a_redis_that_is_away_is_left_to_those_who_need_it() -> None:
    away: redis.Redis = connect("redis://127.0.0.1:1/0")

    assert warn_of_unsafe_server(away) == []
