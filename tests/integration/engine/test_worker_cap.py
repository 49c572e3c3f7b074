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


def test_an_operators_cap_survives_the_start_of_a_worker_and_a_reset_gives_it_back(redis_client: redis.Redis) -> None:
    limits = JobStore(redis_client).limits
    configured = {"WHATSAPP_GLOBAL_CONCURRENCY": "7"}
    cap_of(redis_client, Queue.WHATSAPP, **configured)
    limits.set_by_operator(Queue.WHATSAPP, {"concurrency": 3})

    assert cap_of(redis_client, Queue.WHATSAPP, **configured) == b"3"
    limits.set_by_operator(Queue.WHATSAPP, {"concurrency": None})
    assert cap_of(redis_client, Queue.WHATSAPP, **configured) is None
    limits.set_by_operator(Queue.WHATSAPP, {}, reset=["concurrency"])
    assert redis_client.hget(keys.meta(Queue.WHATSAPP), "cap") == b"7"


def test_a_cap_that_is_no_longer_configured_is_gone_after_the_next_start(redis_client: redis.Redis) -> None:
    assert cap_of(redis_client, Queue.WHATSAPP, WHATSAPP_GLOBAL_CONCURRENCY="7") == b"7"
    assert cap_of(redis_client, Queue.WHATSAPP) is None
