"""Why a job is not running, and about when it will be: one look at Redis, then pure rules."""

from __future__ import annotations

from dataclasses import dataclass

from shared.broker.connection import Scripts
from shared.broker.states import State
from shared.explaining.estimate import MEASURED_JOBS, estimate_of, position_of
from shared.explaining.facts import facts_from
from shared.explaining.reasons import Code, Reason, end_of, reasons_of
from shared.job_store import JobStore
from shared.queues import Queue, queue_of

__all__ = ["Code", "Explanation", "Reason", "explain"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A job's state with the reasons for it, its place in line, and an estimate of when it starts (epoch ms)."""

    job_id: str
    queue: Queue
    state: State
    reasons: list[Reason]
    position: int | None = None
    starts_at_ms: int | None = None
    estimate: str = ""


def explain(scripts: Scripts, store: JobStore, job_id: str) -> Explanation:
    """Say why a job is not running. Raises ``JobNotFound`` or ``RedisUnavailable``."""
    job = store.job(job_id)
    reply = [] if queue_of(job_id) is None else scripts.run("explain", job.queue.value, (job_id, MEASURED_JOBS))
    facts = facts_from(reply)
    if facts is None or facts.state.is_finished:
        # It may have ended, or have been forgotten, between the two looks.
        job = job if job.state.is_finished else store.job(job_id)
        return Explanation(job.id, job.queue, job.state, end_of(job), estimate="it has ended")
    estimate = estimate_of(facts)
    return Explanation(
        job_id=job.id,
        queue=job.queue,
        state=facts.state,
        reasons=reasons_of(job, facts),
        position=position_of(facts),
        starts_at_ms=estimate.starts_at_ms,
        estimate=estimate.how,
    )
