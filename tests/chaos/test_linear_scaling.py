"""Workers share a queue: each one more adds its threads to what the queue gets done."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import MakeStage
from tests.chaos.stage import report

pytestmark = pytest.mark.slow

MOST, THREADS = 8, 2
JOB_S = 0.2
ROUNDS = 15
LEAST_SHARE = 0.8
"""Of what so many threads could do at most; the rest is the engine's, on a machine that other things use as well."""


@pytest.mark.timeout(400)
def test_one_worker_more_adds_its_whole_share_up_to_eight(make_stage: MakeStage) -> None:
    stage = make_stage(threads=THREADS, short_lease_ms=30_000)
    shares = []
    for workers in range(1, MOST + 1):
        stage.fleet.start()
        stage.await_ready(workers)
        jobs = stage.add("wait", count=workers * THREADS * ROUNDS, seconds=JOB_S)
        stage.await_finished(workers * (workers + 1) // 2 * THREADS * ROUNDS)
        done = [stage.store.job(job_id) for job_id in jobs]
        begun_ms = min(job.started_at_ms or 0 for job in done)
        ended_ms = max(job.finished_at_ms or 0 for job in done)
        rate = len(jobs) / ((ended_ms - begun_ms) / 1000)
        shares.append(rate / (workers * THREADS / JOB_S))
        report(f"{workers} workers: {rate:.0f} jobs/s, {shares[-1]:.0%} of what they could do")

    assert min(shares) >= LEAST_SHARE, shares
