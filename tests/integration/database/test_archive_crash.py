"""An archiver that is killed mid-batch under load: nothing lost, nothing twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter

import pytest
import redis

from shared.database import Database
from shared.database.archive import Archiver
from shared.database.chain_check import check_chains
from tests.integration.database.streams import Stream, archived_events, archived_states

ARCHIVE_FOR_EVER = """
import sys, redis
from shared.database import Database
from shared.database.archive import Archiver
archiver = Archiver(Database(sys.argv[1]), redis.Redis.from_url(sys.argv[2]))
print("ready", flush=True)
while True:
    archiver.run_once()
"""
KILLS = 6
LOADS = 3
JOBS = 400


def start_archiver(database_url: str, redis_url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", ARCHIVE_FOR_EVER, database_url, redis_url], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.chaos
def test_a_killed_archiver_loses_and_doubles_nothing(
    database_url: str, redis_url: str, redis_client: redis.Redis
) -> None:
    stream = Stream(redis_client)
    jobs: list[str] = []
    for kill in range(KILLS):
        process = start_archiver(database_url, redis_url)
        for load in range(LOADS):
            batch = [f"whatsapp-{kill}-{load}-{number}" for number in range(JOBS)]
            stream.run_many(batch)
            jobs += batch
        # The archiver is amid a batch: it was given more than it archives in this time.
        time.sleep(random.uniform(0, 0.15))  # noqa: S311 - any moment will do
        process.kill()
        process.communicate()

    database = Database(database_url)
    Archiver(database, redis_client).run_once()

    counted = Counter(archived_events(database))
    assert set(counted.values()) == {1}
    assert len(counted) == 3 * len(jobs)
    assert set(archived_states(database)) == set(jobs)
    assert stream.length == 0
    assert [report.finding for report in check_chains(database)] == [None] * 7
    assert sum(report.checked for report in check_chains(database)) == 3 * len(jobs)
    database.dispose()
