"""How soon an idle worker starts a job."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import orjson
from redis import Redis

from shared.broker import JobOptions, NewJob, keys
from tests.benchmarks import processes
from tests.benchmarks.drain import completed, producer
from tests.benchmarks.harness import Bench, Figure, Rule, Target, Unmeasurable, percentile
from tests.benchmarks.worker import CLOCK, QUEUE

TARGET = Target("idle pick-up, p99", "ms", "none", Rule.OURS_AT_MOST, 20.0)
TARGETS = [TARGET]
SHORTEST_GAP_S, LONGEST_GAP_S = 0.01, 0.08
MOST_JOBS = 500
KEEP = 20_000


def measure(bench: Bench) -> list[Figure]:
    """From just before the producer's call to the actor's first line, jobs coming one by one at random times."""
    bench.empty()
    jobs = min(MOST_JOBS, max(bench.jobs // 10, 50))
    broker = producer(bench)
    command, environment = processes.doko_worker(bench)
    log = bench.folder / "latency.log"
    gaps = random.Random(1)  # noqa: S311 - spreads the jobs, no secret
    with bench.client() as client, processes.running(command, environment, log):
        broker.add(_clock_job())
        await_completed(client, 1)
        ids = []
        for done in range(2, jobs + 2):
            time.sleep(gaps.uniform(SHORTEST_GAP_S, LONGEST_GAP_S))
            ids.append(broker.add(_clock_job()).job_id)
            await_completed(client, done)
        waits = [result["sinceSent"] for result in results(client, ids)]
    broker.close()
    details = {"p50": round(percentile(waits, 0.5), 2), "max": round(max(waits), 2), "jobs": jobs}
    return [Figure(TARGET, percentile(waits, 0.99), details=details)]


def _clock_job() -> NewJob:
    return NewJob(QUEUE, CLOCK, {"sent_ns": time.time_ns()}, options=JobOptions(keep_completed=KEEP))


def await_completed(client: Redis, jobs: int, timeout_s: float = 30.0) -> None:
    """Wait until the measured queue has completed so many; raises ``Unmeasurable`` when nothing comes."""
    deadline = time.monotonic() + timeout_s
    while completed(client) < jobs:
        if time.monotonic() > deadline:
            raise Unmeasurable(f"only {completed(client)} of {jobs} jobs were completed")
        time.sleep(0.002)


def results(client: Redis, job_ids: Sequence[str]) -> list[dict[str, float]]:
    """What the jobs' actor returned."""
    with client.pipeline(transaction=False) as pipeline:
        for job_id in job_ids:
            pipeline.hget(keys.job(QUEUE, job_id), "result")
        return list(map(orjson.loads, pipeline.execute()))
