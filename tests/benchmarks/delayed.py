"""How late delayed jobs start."""

from __future__ import annotations

import time

from shared.broker import JobOptions, NewJob
from tests.benchmarks import processes
from tests.benchmarks.drain import fill, producer
from tests.benchmarks.harness import Bench, Figure, Rule, Target, percentile
from tests.benchmarks.latency import KEEP, await_completed, results
from tests.benchmarks.worker import CLOCK, QUEUE

HOUR_MS = 3_600_000
SPREAD = Target("10,000 delayed jobs over 60 s, p99 lateness", "ms", "none", Rule.OURS_AT_MOST, 100.0)
BEHIND = Target("2 s job behind 10,000 one-hour jobs, lateness", "ms", "none", Rule.OURS_AT_MOST, 100.0)
TARGETS = [SPREAD, BEHIND]
FULL_JOBS, FULL_SECONDS = 10_000, 60.0
FIRST_DUE_MS = 3_000
TRIES = 3


def measure(bench: Bench) -> list[Figure]:
    """Lateness by Redis time, from the due time in the record to the actor's first line."""
    return [_spread(bench), _behind(bench)]


def _spread(bench: Bench) -> Figure:
    bench.empty()
    # Fewer seconds keep the pace of the full size.
    seconds = min(bench.seconds, FULL_SECONDS)
    jobs = round(FULL_JOBS * seconds / FULL_SECONDS)
    command, environment = processes.doko_worker(bench)
    broker = producer(bench)
    with bench.client() as client, processes.running(command, environment, bench.folder / "delayed.log"):
        delays = [FIRST_DUE_MS + round(i * seconds * 1000 / jobs) for i in range(jobs)]
        ids = [answer.job_id for answer in broker.add_many([_delayed(delay) for delay in delays])]
        await_completed(client, jobs, timeout_s=seconds + 60)
        lateness = [result["sinceDue"] for result in results(client, ids)]
    broker.close()
    details = {
        "p50": round(percentile(lateness, 0.5), 2),
        "max": round(max(lateness), 2),
        "jobs": jobs,
        "seconds": seconds,
    }
    return Figure(SPREAD, percentile(lateness, 0.99), details=details)


def _behind(bench: Bench) -> Figure:
    bench.empty()
    fill(bench, FULL_JOBS, options=JobOptions(delay_ms=HOUR_MS))
    command, environment = processes.doko_worker(bench)
    broker = producer(bench)
    lateness = []
    with bench.client() as client, processes.running(command, environment, bench.folder / "behind.log"):
        for done in range(1, TRIES + 1):
            job_id = broker.add(_delayed(2_000)).job_id
            time.sleep(1)
            await_completed(client, done)
            lateness += [result["sinceDue"] for result in results(client, [job_id])]
    broker.close()
    return Figure(BEHIND, max(lateness), details={"tries": [round(value, 2) for value in lateness]})


def _delayed(delay_ms: int) -> NewJob:
    return NewJob(QUEUE, CLOCK, {"delay": delay_ms}, options=JobOptions(delay_ms=delay_ms, keep_completed=KEEP))
