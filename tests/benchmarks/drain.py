"""How fast workers empty a queue of no-op jobs: ours with full state, events and logs, theirs as they come."""

from __future__ import annotations

from functools import partial
from typing import cast

from redis import Redis

from shared.broker import DokoBroker, EngineConfig, JobOptions, NewJob, keys
from shared.broker.connection import connect
from tests.benchmarks import processes
from tests.benchmarks.harness import Bench, Figure, Rule, Target, compare
from tests.benchmarks.peers import peer_dramatiq
from tests.benchmarks.worker import NOTHING, QUEUE

STOCK, BULLMQ, BULL, BULLMQ_TWICE = "Dramatiq", "BullMQ", "Bull", "BullMQ, 2 processes"
SLOWNESS_OF_STOCK = 4
"""Stock Dramatiq gets a fraction of the jobs, so that its turn takes about as long."""

ONE = [
    Target("drain, 1 process", "jobs/s", STOCK, Rule.RATIO_AT_LEAST, 5.0, dream=6.0),
    Target("drain, 1 process", "jobs/s", BULLMQ, Rule.RATIO_AT_LEAST, 0.55, dream=0.8),
    Target("drain, 1 process", "jobs/s", BULL, Rule.RATIO_AT_LEAST, None, dream=1.0),
]
TWO = [
    Target("drain, 2 processes", "jobs/s", BULLMQ, Rule.RATIO_AT_LEAST, 0.85, dream=1.0),
    Target("drain, 2 processes", "jobs/s", BULLMQ_TWICE, Rule.RATIO_AT_LEAST, None),
]
TARGETS = ONE + TWO


def measure(bench: Bench) -> list[Figure]:
    """Jobs/s with one worker process, then with two, 8 jobs at a time in each."""
    stock = partial(drain_stock, bench)
    bull = partial(drain_node, bench, "bull")
    bullmq = partial(drain_node, bench, "bullmq")
    one = compare(ONE, bench.rounds, partial(drain_ours, bench, 1), {STOCK: stock, BULLMQ: bullmq, BULL: bull})
    twice = partial(drain_node, bench, "bullmq", count=2)
    return one + compare(TWO, bench.rounds, partial(drain_ours, bench, 2), {BULLMQ: bullmq, BULLMQ_TWICE: twice})


def drain_ours(bench: Bench, count: int) -> float:
    """Jobs/s of ``count`` production worker processes, from the queue's counter of completed jobs."""
    bench.empty()
    fill(bench, bench.jobs)
    command, environment = processes.doko_worker(bench, count)
    log = bench.folder / "drain-ours.log"
    with bench.client() as client, processes.running(command, environment, log) as process:
        return processes.rate(process, partial(completed, client), bench.jobs, log)


def completed(client: Redis) -> int:
    """Jobs ever completed in the measured queue."""
    return int(cast("bytes | None", client.hget(keys.meta(QUEUE), "total_completed")) or 0)


def fill(bench: Bench, jobs: int, *, options: JobOptions | None = None) -> None:
    """Enqueue no-op jobs, 500 a call; the events go, as the archiver trims them."""
    broker = producer(bench)
    chosen = options or JobOptions()
    for start in range(0, jobs, 5_000):
        end = min(start + 5_000, jobs)
        broker.add_many([NewJob(QUEUE, NOTHING, {"i": i}, options=chosen) for i in range(start, end)])
        broker.scripts.client.xtrim(keys.events(QUEUE), maxlen=0, approximate=False)
    broker.close()


def producer(bench: Bench) -> DokoBroker:
    """A broker that only enqueues, with the production middleware."""
    broker = DokoBroker(connect(bench.server.url), EngineConfig(events_max=100_000_000))
    broker.declare_queue(QUEUE.value)
    return broker


def drain_stock(bench: Bench) -> float:
    """Jobs/s of one stock Dramatiq worker process; it deletes a message when it is acknowledged."""
    bench.empty()
    jobs = bench.jobs // SLOWNESS_OF_STOCK
    peer_dramatiq.fill(bench.server.url, jobs)
    command = processes.dramatiq_command("tests.benchmarks.peers.peer_dramatiq:start", 1)
    log = bench.folder / "drain-dramatiq.log"
    with bench.client() as client:
        done = partial(_acknowledged, client, jobs)
        with processes.running(command, {"BENCH_REDIS_URL": bench.server.url}, log) as process:
            return processes.rate(process, done, jobs, log)


def _acknowledged(client: Redis, jobs: int) -> int:
    return jobs - client.hlen(peer_dramatiq.MESSAGES_KEY)


def drain_node(bench: Bench, peer: str, *, count: int = 1) -> float:
    """Jobs/s of ``count`` Bull or BullMQ worker processes; what is neither waiting nor active is done."""
    fill_command = processes.node_command(bench, "peer_bull.js", peer, "fill", str(bench.jobs))
    bench.empty()
    processes.finished(bench, fill_command)
    command, environment = processes.node_command(bench, "peer_bull.js", peer, "work", str(count))
    log = bench.folder / f"drain-{peer}.log"
    with bench.client() as client, processes.running(command, environment, log) as process:
        return processes.rate(process, partial(_ended, client, bench.jobs), bench.jobs, log)


def _ended(client: Redis, jobs: int) -> int:
    with client.pipeline(transaction=True) as pipeline:
        # Bull and BullMQ name these two lists alike.
        pipeline.llen("bull:bench:wait")
        pipeline.llen("bull:bench:active")
        return jobs - sum(map(int, pipeline.execute()))
