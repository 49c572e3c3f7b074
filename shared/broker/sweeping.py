"""The sweep: brings back what crashed workers left, and the due work that nobody else has moved."""

from __future__ import annotations

import time
from dataclasses import dataclass

import orjson

from shared.broker.config import STALLS_SURVIVED, EngineConfig
from shared.broker.connection import Scripts

JOBS_A_SWEEP = 200


@dataclass(frozen=True, slots=True)
class StalledJob:
    """A job whose lease ran out; ``outcome`` is ``waiting``, ``failed`` or ``cancelled``."""

    id: str
    outcome: str
    worker: str
    attempt: int


def sweep(scripts: Scripts, queue_name: str, config: EngineConfig) -> list[StalledJob]:
    """Sweep one queue until nothing is left to sweep; returns the stalled jobs."""
    stalled: list[StalledJob] = []
    while True:
        found = scripts.run(
            "sweep",
            queue_name,
            (
                JOBS_A_SWEEP,
                config.sweep_interval_ms,
                config.policy(queue_name).keep_failed,
                STALLS_SURVIVED,
                _stall_error("the worker vanished while it ran the job; the job goes back to the queue"),
                _stall_error(f"stalled more than {STALLS_SURVIVED} time: the job seems to kill its worker"),
            ),
        )
        jobs = [
            StalledJob(found[i].decode(), found[i + 1].decode(), found[i + 2].decode(), int(found[i + 3]))
            for i in range(0, len(found), 4)
        ]
        stalled += jobs
        if len(jobs) < JOBS_A_SWEEP:
            return stalled


def _stall_error(message: str) -> bytes:
    return orjson.dumps({"type": "Stalled", "message": message, "at": int(time.time() * 1000)})
