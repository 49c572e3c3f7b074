"""What a worker tells of itself with each sign of life."""

from __future__ import annotations

import os
import platform
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from shared.broker.broker import DokoBroker
    from shared.broker.states import WorkerState

_STATM = Path("/proc/self/statm")
_PAGE_BYTES = resource.getpagesize()
_PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


def describe_worker(broker: DokoBroker, state: WorkerState) -> bytes:
    """Host, process, version, threads, resident memory in bytes, state, and for how long this sign of life is good.

    Times are epoch milliseconds, durations milliseconds.
    """
    return orjson.dumps(
        {
            "host": platform.node(),
            "pid": os.getpid(),
            "threads": broker.worker_threads,
            "version": broker.version,
            "startedAt": broker.started_at_ms,
            "memory": resident_bytes(),
            "state": state.value,
            "leaseMs": broker.config.lease_ms,
        }
    )


def doko_version() -> str:
    """The version of Doko that runs here."""
    try:
        return version("doko")
    except PackageNotFoundError:
        return "not installed"  # run from a checkout that nobody installed


def resident_bytes() -> int:
    """The memory of this process that is in RAM; where the system has no /proc, the most that it ever was."""
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT_BYTES
