"""The worker process of one service, and a look at what became of its jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from shared.broker import State
from shared.errors import JobNotFound
from shared.job_records import Job
from shared.job_store import JobStore
from shared.queues import POLICIES, Queue
from tests.kit.engine import PATIENCE_S

STOP_S = 30
POLL_S = 0.02


@contextmanager
def service_worker(queue: Queue, environment: Mapping[str, str]) -> Iterator[None]:
    """A worker of the queue as a deployment starts it, stopped at the end."""
    policy = POLICIES[queue]
    command = [sys.executable, "-m", "dramatiq", f"services.{policy.folder}.worker:start"]
    command += ["-p", "1", "-t", str(policy.concurrency), "--skip-logging"]
    process = subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True)
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(STOP_S)


def wait_for_job(store: JobStore, job_id: str, *states: State, seconds: float = PATIENCE_S) -> Job:
    """The job once it exists and is in one of the states; AssertionError if that doesn't come."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            job = store.job(job_id)
        except JobNotFound:
            job = None
        if job is not None and job.state in states:
            return job
        assert time.monotonic() < deadline, f"{job_id} is {job}"
        time.sleep(POLL_S)
