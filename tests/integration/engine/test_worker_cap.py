"""The cap that the environment sets for a queue, over all replicas of its worker."""

from __future__ import annotations

import pytest
import redis

from shared.broker import keys
from shared.job_store import JobStore
from shared.queues import Queue
from shared.settings import Settings
from shared.worker import set_cap


def cap_of(client: redis.Redis, queue: Queue, **environment: str) -> object:
    set_cap(JobStore(client), Settings.from_environment(environment), queue)
    return client.hget(keys.meta(queue), "cap")


@pytest.mark.parametrize("queue", Queue)
def test_the_configured_cap_holds_over_all_replicas(redis_client: redis.Redis, queue: Queue) -> None:
    assert cap_of(redis_client, queue, **{f"{queue.name}_GLOBAL_CONCURRENCY": "7"}) == b"7"


def test_without_a_configured_cap_an_operators_stays(redis_client: redis.Redis) -> None:
    JobStore(redis_client).set_limits(Queue.WHATSAPP, cap=3)

    assert cap_of(redis_client, Queue.WHATSAPP) == b"3"
