"""What a starting worker sets for its queue, over all replicas."""

from __future__ import annotations

import redis

from services.whatsapp.worker import set_pace
from shared.broker import keys
from shared.job_store import JobStore
from shared.queues import Queue
from shared.settings import Settings

META = keys.meta(Queue.WHATSAPP)
ACCOUNT = {"WHATSAPP_META_ACCESS_TOKEN": "a" * 40, "WHATSAPP_META_PHONE_NUMBER_ID": "100000000000001"}


def limits(client: redis.Redis, **environment: str) -> list[bytes | None]:
    set_pace(JobStore(client), Settings.from_environment(environment))
    return list(client.hmget(META, ["rate_n", "rate_ms", "group_n", "group_ms"]))  # type: ignore[arg-type]


def test_a_provider_gets_80_messages_a_second_and_one_per_6_seconds_to_a_recipient(redis_client: redis.Redis) -> None:
    assert limits(redis_client, **ACCOUNT) == [b"80", b"1000", b"1", b"6000"]


def test_the_console_needs_no_pace(redis_client: redis.Redis) -> None:
    limits(redis_client, **ACCOUNT)

    assert limits(redis_client) == [None, None, None, None]
