"""Whether a fetch costs the same however many jobs wait."""

from __future__ import annotations

import statistics

from redis import Redis

from shared.broker import keys
from shared.broker.consumer import JobConsumer
from tests.benchmarks.drain import fill, producer
from tests.benchmarks.harness import Bench, Figure, Rule, Target
from tests.benchmarks.worker import QUEUE

FEW, MANY = 1_000, 1_000_000
MOST_GROWTH = 1.5
FULL_SIZE = 20_000
WINDOW_JOBS, WINDOWS = 500, 11
ROOM = 8
TARGET = Target(
    "server time per fetch, 1,000,000 waiting", "us", f"ours, {FEW:,} waiting", Rule.RATIO_AT_MOST, MOST_GROWTH
)
TARGETS = [TARGET]


def measure(bench: Bench) -> list[Figure]:
    """Microseconds of the server's own time to take and finish a job, with few and with many waiting behind it."""
    many = MANY if bench.jobs >= FULL_SIZE else bench.jobs * 5
    few_us, many_us = _cost_us(bench, FEW), _cost_us(bench, many)
    return [Figure(TARGET, many_us, few_us, many_us / few_us, details={"waiting": many})]


def _cost_us(bench: Bench, waiting: int) -> float:
    bench.empty()
    fill(bench, waiting)
    broker = producer(bench)
    consumer = broker.consume(QUEUE, prefetch=ROOM)
    costs = []
    with bench.client() as client:
        _run(consumer, WINDOW_JOBS // 5)
        for _ in range(WINDOWS):
            client.config_resetstat()
            _run(consumer, WINDOW_JOBS)
            costs.append(_script_us(client) / WINDOW_JOBS)
            # What was taken is put back between the windows, outside of what is measured.
            fill(bench, WINDOW_JOBS)
            client.xtrim(keys.events(QUEUE), maxlen=0, approximate=False)
    consumer.close()
    broker.close()
    return statistics.median(costs)


def _run(consumer: JobConsumer, jobs: int) -> None:
    done = 0
    while done < jobs:
        job = next(consumer)
        if job is not None:
            consumer.ack(job)
            done += 1


def _script_us(client: Redis) -> int:
    return int(client.info("commandstats")["cmdstat_evalsha"]["usec"])
