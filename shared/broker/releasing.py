"""The end of a job, told to the jobs of other queues that depend on it.

No script touches two queues. So the script that ends a job leaves an entry in ``releases`` of its own queue, in the
same step. Whoever finished the job takes it right away, any worker's sweep and the scheduler's keeper take what is
left: the dependents are told (``release.lua``, which may be repeated), and only then the entry goes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from shared.broker import job_log, keys
from shared.broker.config import EngineConfig
from shared.broker.connection import UNREACHABLE, Argument, Scripts
from shared.errors import RedisUnavailable
from shared.queues import queue_of

ENTRIES_A_READ = 100


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that others depend on has ended; ``state`` is completed, failed or cancelled."""

    entry: str
    job_id: str
    state: str
    result: bytes
    dependents: tuple[str, ...]


def release_dependents(scripts: Scripts, queue_name: str, config: EngineConfig) -> int:
    """Tell everybody who depends on what ended in this queue, and on what failed with that; returns how many entries.

    Raises ``RedisUnavailable`` or what Redis says to a script; the entry then stays.
    """
    done = 0
    queue_names = [queue_name]
    while queue_names:
        name = queue_names.pop()
        for ended in _entries(scripts.client, name):
            queue_names += _tell(scripts, ended, config)
            _forget(scripts.client, name, ended)
            done += 1
    return done


def _tell(scripts: Scripts, ended: Ended, config: EngineConfig) -> list[str]:
    """Tell the dependents of each queue; returns the queues where others depend on those that failed with it."""
    by_queue: dict[str, list[str]] = {}
    for job_id in ended.dependents:
        queue = queue_of(job_id)
        if queue is not None:
            by_queue.setdefault(queue.value, []).append(job_id)
    goes_on = []
    for name, ids in by_queue.items():
        keep = config.policy(name).keep_failed
        arguments: list[Argument] = [ended.job_id, ended.state, ended.result, _error(ended), keep, len(ids), *ids]
        letters = scripts.run("release", name, arguments).decode()
        job_log.released(name, ended.job_id, ended.state, dict(zip(ids, letters, strict=True)))
        if "F" in letters:
            goes_on.append(name)
    return goes_on


def _error(ended: Ended) -> bytes:
    message = f"job {ended.job_id}, which this one depends on, is {ended.state}"
    return orjson.dumps({"type": "DependencyFailed", "message": message, "at": int(time.time() * 1000)})


def _entries(client: Any, queue_name: str) -> Iterator[Ended]:
    last = "-"
    while True:
        with _reaching():
            entries = client.xrange(keys.releases(queue_name), last, "+", count=ENTRIES_A_READ)
        for stream_id, stored in entries:
            dependents = tuple(orjson.loads(stored[b"dependents"]))
            job_id, state = stored[b"job"].decode(), stored[b"state"].decode()
            yield Ended(stream_id.decode(), job_id, state, stored[b"result"], dependents)
        if len(entries) < ENTRIES_A_READ:
            return
        last = "(" + entries[-1][0].decode()


def _forget(client: Any, queue_name: str, ended: Ended) -> None:
    with _reaching():
        client.xdel(keys.releases(queue_name), ended.entry)


@contextmanager
def _reaching() -> Iterator[None]:
    """What Redis' absence raises becomes ``RedisUnavailable``."""
    try:
        yield
    except UNREACHABLE as error:
        raise RedisUnavailable(f"Redis can't be reached: {type(error).__name__}") from error
