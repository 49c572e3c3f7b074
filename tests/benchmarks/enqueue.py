"""How fast one producer enqueues the requirement's example, one job after the other."""

from __future__ import annotations

import time
from functools import partial

import orjson

from shared.broker import NewJob
from shared.queues import Queue
from tests.benchmarks import processes
from tests.benchmarks.drain import BULLMQ, STOCK, producer
from tests.benchmarks.harness import EXAMPLE, Bench, Figure, Rule, Target, compare
from tests.benchmarks.peers import peer_dramatiq

TARGETS = [
    Target("enqueue, one by one", "jobs/s", BULLMQ, Rule.RATIO_AT_LEAST, 0.9),
    Target("enqueue, one by one", "jobs/s", STOCK, Rule.RATIO_AT_LEAST, None),
]


def measure(bench: Bench) -> list[Figure]:
    """Jobs/s, each call waiting for Redis before the next."""
    jobs = max(bench.jobs // 2, 100)
    peers = {BULLMQ: partial(_node, bench, jobs), STOCK: partial(_stock, bench, jobs)}
    return compare(TARGETS, bench.rounds, partial(_ours, bench, jobs), peers)


def _ours(bench: Bench, jobs: int) -> float:
    bench.empty()
    broker = producer(bench)
    broker.declare_queue(Queue.WHATSAPP.value)
    broker.add(NewJob(Queue.WHATSAPP, "message", EXAMPLE))
    begin = time.perf_counter()
    for _ in range(jobs):
        broker.add(NewJob(Queue.WHATSAPP, "message", EXAMPLE))
    seconds = time.perf_counter() - begin
    broker.close()
    return jobs / seconds


def _node(bench: Bench, jobs: int) -> float:
    command, environment = processes.node_command(bench, "peer_bull.js", "bullmq", "add", str(jobs))
    bench.empty()
    return float(processes.finished(bench, (command, {**environment, "BENCH_EXAMPLE": orjson.dumps(EXAMPLE).decode()})))


def _stock(bench: Bench, jobs: int) -> float:
    bench.empty()
    return peer_dramatiq.add(bench.server.url, jobs, EXAMPLE)
