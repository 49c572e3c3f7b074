"""A million jobs through the whole engine: two workers, the scheduler with its archive, and bounded memory."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.broker import keys
from shared.errors import QueueFull
from tests.chaos.conftest import MakeStage
from tests.chaos.fleet import WorkerProcess, wait_for
from tests.chaos.stage import Stage, report
from tests.chaos.worker_app import QUEUE

A_CALL = 1_000
THREADS = 8
KEPT = 100
MOST_EVENTS = 1_000_000
BYTES_A_JOB = 1_300
"""What a waiting job may take in Redis, by the requirement; a finished one takes nothing once it is archived."""
MIB = 1024 * 1024
MOST_LEFT = 32 * MIB
MOST_GROWTH = 64 * MIB
"""Of a worker's own memory between the first fifth of the jobs and the last job."""


@pytest.mark.timeout(7_000)
@pytest.mark.parametrize("jobs", [10_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_a_long_drain_completes_every_job_once_in_bounded_memory(make_stage: MakeStage, jobs: int) -> None:
    """All wait at first, then two workers drain them, while the scheduler archives and trims the stream."""
    environment = {"ORDER_PROCESSING_KEEP_COMPLETED": str(KEPT), "EVENTS_MAX": str(MOST_EVENTS)}
    stage = make_stage(threads=THREADS, environment=environment)
    stage.client.config_resetstat()
    empty = _memory(stage)
    with _scheduler(stage) as scheduler:
        started = time.monotonic()
        refusals = _enqueue(stage, jobs)
        enqueued_s = time.monotonic() - started
        full = _memory(stage)

        drain = _Drain(stage, jobs)
        drain.run()
        drained = time.monotonic()
        wait_for(lambda: stage.client.xlen(keys.events(QUEUE.value)) == 0, "all is archived", within_s=60 + jobs / 500)
        archived_s = time.monotonic() - drained
        assert not scheduler.has_ended
    left = _memory(stage)
    peak = max(full, drain.peak)
    report(
        f"{jobs} jobs: enqueued {jobs / enqueued_s:.0f}/s ({refusals} waits for the archive), "
        f"drained {drain.rate:.0f}/s, archive done {archived_s:.0f} s later\n"
        f"Redis: {(full - empty) / jobs:.0f} bytes a waiting job, peak {peak / MIB:.0f} MiB, "
        f"{(left - empty) / MIB:.1f} MiB left; longest stream {drain.longest_stream}\n"
        f"workers: {', '.join(f'{a / MIB:.0f} to {b / MIB:.0f} MiB' for a, b in drain.worker_memory())}"
    )
    _assert_counts(stage, jobs)
    _assert_archived_once(stage, jobs)
    assert (full - empty) / jobs <= BYTES_A_JOB
    assert peak <= empty + jobs * BYTES_A_JOB + MOST_LEFT
    assert left <= empty + MOST_LEFT
    assert all(last - first <= MOST_GROWTH for first, last in drain.worker_memory())
    for log in sorted(stage.folder.glob("*.log")):
        assert _errors(log) == []
        log.unlink()  # 2 lines a job: too much to keep


@contextmanager
def _scheduler(stage: Stage) -> Iterator[WorkerProcess]:
    """The real scheduler process: keeper, archiver, relay; ended in order."""
    environment = {**stage.environment, "DATA_DIR": str(stage.folder)}
    process = WorkerProcess([sys.executable, "-m", "gateway.cli", "scheduler"], environment, stage.folder / "keep.log")
    try:
        yield process
    finally:
        process.terminate()
        code = process.wait(60)
    assert code == 0


def _enqueue(stage: Stage, jobs: int) -> int:
    """Enqueue no-op jobs in bulk; returns how often the producer had to wait for the archive."""
    refusals = 0
    for start in range(0, jobs, A_CALL):
        batch = [stage.new_job("nothing") for _ in range(min(A_CALL, jobs - start))]
        while True:
            try:
                answers = stage.producer.add_many(batch)
            except QueueFull:
                refusals += 1
                time.sleep(0.1)
            else:
                assert all(answer.created for answer in answers)
                break
    return refusals


class _Drain:
    """Two workers empty the queue; what they and Redis take meanwhile is watched."""

    def __init__(self, stage: Stage, jobs: int) -> None:
        self._stage = stage
        self._jobs = jobs
        self._first: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self.rate = 0.0
        self.longest_stream = 0
        # The server's own peak lasts for its life, and other tests ran on it before.
        self.peak = 0

    def run(self) -> None:
        """Start the workers and wait for the last job; ``rate`` is measured from the first fifth to the end."""
        stage, jobs = self._stage, self._jobs
        workers = stage.fleet.start(2)
        wait_for(lambda: self._watch() >= jobs // 5, "a fifth is done", within_s=60 + jobs / 500, every_s=0.05)
        count, began = self._watch(), time.monotonic()
        self._first = {worker.child_pid: _resident(worker.child_pid) for worker in workers}
        wait_for(lambda: self._watch() >= jobs, "all are done", within_s=60 + jobs / 500, every_s=0.05)
        self.rate = (jobs - count) / (time.monotonic() - began)
        self._last = {pid: _resident(pid) for pid in self._first}
        assert all(not worker.has_ended for worker in workers)
        for worker in workers:
            worker.terminate()
        assert [worker.wait(30) for worker in workers] == [0, 0]

    def worker_memory(self) -> list[tuple[int, int]]:
        """Bytes that each worker's child took after the first fifth of the jobs and after the last."""
        return [(self._first[pid], self._last[pid]) for pid in self._first]

    def _watch(self) -> int:
        self.longest_stream = max(self.longest_stream, self._stage.client.xlen(keys.events(QUEUE.value)))
        self.peak = max(self.peak, _memory(self._stage))
        return int(self._stage.client.hget(keys.meta(QUEUE.value), "total_completed") or 0)


def _assert_counts(stage: Stage, jobs: int) -> None:
    stats = stage.stats()
    left = (stats.waiting, stats.active, stats.delayed, stats.blocked, stats.failed, stats.cancelled)
    assert left == (0, 0, 0, 0, 0, 0)
    assert stats.completed == jobs
    records = sum(1 for _ in stage.client.scan_iter(keys.job(QUEUE.value, "*"), count=1_000))
    assert records == KEPT


def _assert_archived_once(stage: Stage, jobs: int) -> None:
    """Each job waited, ran and completed exactly once, and the database holds all of it."""
    with stage.database.reader() as tx:
        events = tx.execute(text("select event, count(*), count(distinct job_id) from job_events group by event"))
        each_once = (jobs, jobs)
        expected = {"waiting": each_once, "active": each_once, "completed": each_once}
        assert {row[0]: (row[1], row[2]) for row in events} == expected
        states = tx.execute(text("select state, count(*) from archived_jobs group by state"))
        assert {row[0]: row[1] for row in states} == {"completed": jobs}


def _memory(stage: Stage) -> int:
    return int(stage.client.info("memory")["used_memory"])


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _errors(log: Path) -> list[str]:
    with log.open(errors="replace") as lines:
        return [line for line in lines if '"level":"error"' in line or "Traceback" in line]
