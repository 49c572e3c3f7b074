"""Relays that are killed mid-batch under load, on the real engine: no job lost, none twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import redis
from sqlalchemy import func, select

from shared import outbox
from shared.broker import DokoBroker, NewJob, keys
from shared.database import Database
from shared.database.models import OutboxJob
from shared.queues import Queue

RELAY_FOR_EVER = """
import sys
from datetime import timedelta
from shared.broker import DokoBroker
from shared.broker.connection import connect
from shared.database import Database
from shared.outbox import Relay
relay = Relay(Database(sys.argv[1]), DokoBroker(connect(sys.argv[2])), batch=20, age=timedelta(0))
print("ready", flush=True)
while True:
    relay.run_once()
"""
KILLS = 5
JOBS = 300


@pytest.mark.chaos
def test_killed_relays_lose_and_double_no_job(database_url: str, redis_url: str, redis_client: redis.Redis) -> None:
    database = Database(database_url)
    ids: list[str] = []
    for kill in range(KILLS):
        relays = [_start_relay(database_url, redis_url) for _ in range(2)]
        for number in range(JOBS):
            with database.session() as tx:
                job = NewJob(Queue.WHATSAPP, "message", {"number": number})
                ids.append(outbox.add(tx, f"orders-{kill}", f"step-{number}", job))
        time.sleep(random.uniform(0, 0.1))  # noqa: S311 - any moment will do
        for relay in relays:
            relay.kill()
            relay.communicate()

    outbox.Relay(database, DokoBroker(redis_client), age=timedelta(0)).run_once()

    with database.reader() as tx:
        left = select(func.count()).select_from(OutboxJob).where(OutboxJob.published_at.is_(None))
        assert tx.scalars(left).one() == 0
    entries: Any = redis_client.xrange(keys.events(Queue.WHATSAPP))
    created = Counter(fields[b"job"].decode() for _, fields in entries if fields[b"event"] == b"waiting")
    assert created == Counter(ids)
    assert redis_client.zcard(keys.state_set(Queue.WHATSAPP, "waiting")) == len(ids)
    database.dispose()


def _start_relay(database_url: str, redis_url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", RELAY_FOR_EVER, database_url, redis_url], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process
