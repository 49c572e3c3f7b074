"""What a waiting job costs in Redis."""

from __future__ import annotations

from redis import Redis

from shared.broker import NewJob, keys
from shared.queues import Queue
from tests.benchmarks.drain import producer
from tests.benchmarks.harness import EXAMPLE, Bench, Figure, Rule, Target

ALL = Target("memory of a waiting job, all of it", "bytes", "none", Rule.OURS_AT_MOST, 1_300.0)
INDEX = Target("memory of a waiting job, its index entry", "bytes", "none", Rule.OURS_AT_MOST, 300.0)
TARGETS = [ALL, INDEX]
BULK = 5_000


def measure(bench: Bench) -> list[Figure]:
    """Bytes of the requirement's example: what the server's memory grew by, record, index and event included."""
    bench.empty()
    broker = producer(bench)
    broker.declare_queue(Queue.WHATSAPP.value)
    broker.add(NewJob(Queue.WHATSAPP, "message", EXAMPLE))  # scripts and queue keys are there from here on
    with bench.client() as client:
        before = _used(client)
        jobs = bench.jobs
        for start in range(0, jobs, BULK):
            count = min(BULK, jobs - start)
            broker.add_many([NewJob(Queue.WHATSAPP, "message", EXAMPLE) for _ in range(count)])
        grown = (_used(client) - before) / jobs
        index = _usage(client, keys.state_set(Queue.WHATSAPP, "waiting")) / jobs
        event = _usage(client, keys.events(Queue.WHATSAPP)) / jobs
    broker.close()
    details = {"event": round(event), "record": round(grown - index - event), "jobs": jobs}
    return [Figure(ALL, grown, details=details), Figure(INDEX, index)]


def _used(client: Redis) -> int:
    return int(client.info("memory")["used_memory"])


def _usage(client: Redis, key: str) -> int:
    return client.memory_usage(key, samples=0) or 0
