"""A dry run: which jobs an operation would act on, and which would be refused, without touching any."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gateway.bulk.targets import movable_names
from shared.broker import keys
from shared.broker.states import State
from shared.database.models import BulkAction
from shared.job_filter import JobFilter
from shared.job_records import Job
from shared.job_search import Search
from shared.queues import Queue

BUDGET_S = 0.5
SAMPLE = 10


@dataclass(slots=True)
class Trial:
    """What a dry run found in the time it had; if not ``is_complete``, there are more.

    ``refused``: why, and how many jobs for that.
    """

    started_ms: int
    matched: int = 0
    states: Counter[State] = field(default_factory=Counter)
    queues: Counter[Queue] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    sample: list[Job] = field(default_factory=list)
    is_complete: bool = False


def try_out(search: Search, action: BulkAction, wanted: JobFilter, target: Queue | None) -> Trial:
    """Look at the jobs that match, for half a second."""
    deadline = time.monotonic() + BUDGET_S
    matcher, tail = search.begin(wanted)
    trial = Trial(matcher.now_ms)
    for chunk in search.chunks(matcher, tail, None):
        jobs = [job for _, job in chunk if job is not None]
        _count(trial, jobs)
        if action is BulkAction.RETRY:
            trial.refused["another job holds its deduplication key"] += _held_keys(search.client, jobs)
        elif action is BulkAction.MOVE and target is not None:
            known = movable_names(target)
            trial.refused[f"{target.name} doesn't run such jobs"] += sum(job.name not in known for job in jobs)
        if action in {BulkAction.REMOVE, BulkAction.MOVE}:
            trial.refused["only the archive has it, from which it goes by itself"] += _forgotten(search.client, jobs)
        if time.monotonic() > deadline:
            return trial
    trial.is_complete = True
    return trial


def _count(trial: Trial, jobs: list[Job]) -> None:
    trial.matched += len(jobs)
    trial.states.update(job.state for job in jobs)
    trial.queues.update(job.queue for job in jobs)
    trial.sample += jobs[: SAMPLE - len(trial.sample)]


def _held_keys(client: Any, jobs: list[Job]) -> int:
    """How many of these jobs would find their key taken by another that is not over."""
    keyed = [job for job in jobs if job.deduplication_key]
    pipeline = client.pipeline(transaction=False)
    for job in keyed:
        pipeline.get(keys.deduplication(job.queue.value, job.deduplication_key or ""))
    others = [
        (job.queue, holder.decode())
        for job, holder in zip(keyed, pipeline.execute() if keyed else [], strict=True)
        if holder is not None and holder.decode() != job.id and not holder.startswith(b"r:")
    ]
    pipeline = client.pipeline(transaction=False)
    for queue, holder in others:
        pipeline.hget(keys.job(queue.value, holder), "state")
    states = pipeline.execute() if others else []
    return sum(state is not None and not State(state.decode()).is_finished for state in states)


def _forgotten(client: Any, jobs: list[Job]) -> int:
    pipeline = client.pipeline(transaction=False)
    for job in jobs:
        pipeline.exists(keys.job(job.queue.value, job.id))
    return sum(not found for found in (pipeline.execute() if jobs else []))
