"""A loud warning at start about a Redis that may lose jobs: one that evicts keys or does not persist."""

from __future__ import annotations

from typing import Any

import redis

from shared.broker.clients import servers_of
from shared.logs import get_logger

logger = get_logger()


def warn_of_unsafe_server(client: redis.Redis) -> list[str]:
    """Log what is unsafe about the server and return it; a server that hides its settings is only noted.

    Raises nothing: a Redis that is away is reported by whoever needs it.
    """
    try:
        found = dict.fromkeys(problem for server in servers_of(client) for problem in _problems(server))
    except redis.exceptions.RedisError as error:
        logger.warning("redis.unchecked", message="Redis does not show its settings", reason=str(error))
        return []
    for problem in found:
        logger.warning("redis.unsafe", message=f"Jobs may be lost: {problem}", reason=problem)
    return list(found)


def _problems(client: Any) -> list[str]:
    problems = []
    memory = client.info("memory")
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        problems.append(f"Redis evicts keys when memory is short (maxmemory-policy {policy}); set it to noeviction")
    persistence = client.info("persistence")
    if not persistence.get("aof_enabled"):
        problems.append("Redis is not append-only and loses the latest jobs when it ends; set appendonly yes")
    return problems
