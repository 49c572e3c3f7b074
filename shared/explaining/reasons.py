"""Why a job is not running: pure rules over the facts, a code and a plain sentence each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.broker.states import State
from shared.clock import to_iso
from shared.explaining.facts import Facts, Group
from shared.job_records import BreakerState, Job, Pause


class Code(StrEnum):
    """Every answer to the question why; documented in ``docs/troubleshooting.md``."""

    PAUSED = "paused"
    BREAKER_OPEN = "breaker_open"
    NO_WORKER = "no_worker"
    WORKERS_QUIET = "workers_quiet"
    WORKERS_BUSY = "workers_busy"
    QUEUE_RATE = "queue_rate"
    QUEUE_CONCURRENCY = "queue_concurrency"
    GROUP_RATE = "group_rate"
    GROUP_CONCURRENCY = "group_concurrency"
    GROUP_TURN = "group_turn"
    RUNS_ALONE = "runs_alone"
    BEHIND = "behind"
    NEXT = "next"
    DELAYED = "delayed"
    RETRY = "retry"
    RELEASED = "released"
    DEDUPLICATION = "deduplication"
    FLOW = "flow"
    RUNNING = "running"
    CANCELLING = "cancelling"
    LEASE_OVER = "lease_over"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its code, a sentence, and what the sentence is made of (times end in ``_at_ms``)."""

    code: Code
    message: str
    details: dict[str, Any] = field(default_factory=dict)


def reasons_of(job: Job, facts: Facts) -> list[Reason]:
    """Every reason, what stops the whole queue first; a waiting job that nothing stops is ``next``."""
    if facts.state is State.ACTIVE:
        return list(_running(job, facts))
    if facts.state is State.WAITING:
        found = [*_whole_queue(facts), *_own_place(facts)]
        return found or [Reason(Code.NEXT, "Nothing stands before it: the next free worker takes it.")]
    if facts.state is State.DELAYED:
        return [_delayed(job, facts), *_whole_queue(facts)]
    return list(_blocked(job, facts))


def end_of(job: Job) -> list[Reason]:
    """How a finished job ended."""
    at = to_iso(job.finished_at_ms) if job.finished_at_ms else "an unknown time"
    details = {"finished_at_ms": job.finished_at_ms, "attempt": job.attempt, "attempts": job.attempts}
    if job.state is State.COMPLETED:
        return [Reason(Code.COMPLETED, f"It completed at {at}.", details)]
    if job.state is State.CANCELLED:
        return [Reason(Code.CANCELLED, f"It was cancelled at {at}.", details)]
    error = job.error or {}
    kind, words = error.get("type", "an error"), str(error.get("message", ""))
    message = f"It failed at {at} in attempt {job.attempt} of {job.attempts} with {kind}: {words}"
    return [Reason(Code.FAILED, message, {**details, "error": kind})]


def _running(job: Job, facts: Facts) -> Iterator[Reason]:
    since = facts.started_at_ms or facts.now_ms
    message = f"It runs since {to_iso(since)} on worker {facts.worker}, attempt {facts.attempt} of {job.attempts}."
    yield Reason(Code.RUNNING, message, {"since_at_ms": since, "worker": facts.worker, "attempt": facts.attempt})
    if facts.is_cancelling:
        yield Reason(Code.CANCELLING, "It was asked to stop and is cancelled when its thread has left it.")
    ends = facts.lease_ends_at_ms
    if ends is not None and ends < facts.now_ms:
        message = (
            f"Its worker gave no sign of life since its lease ended at {to_iso(ends)}: the next sweep takes it back."
        )
        yield Reason(Code.LEASE_OVER, message, {"ended_at_ms": ends})


def _whole_queue(facts: Facts) -> Iterator[Reason]:
    """What keeps every job of the queue from running."""
    if facts.pause is not None:
        yield _paused(facts.pause)
    if facts.breaker.since_ms is not None:
        yield _breaker_open(facts.breaker, facts.breaker.since_ms)
    workers = facts.workers
    if workers.alive == 0:
        yield Reason(Code.NO_WORKER, "No worker of this queue is alive: start one.", {"workers": 0})
    elif workers.quiet >= workers.alive:
        message = "Every worker of this queue was told to be quiet: they take no jobs until somebody resumes them."
        yield Reason(Code.WORKERS_QUIET, message, {"workers": workers.alive, "quiet": workers.quiet})


def _paused(pause: Pause) -> Reason:
    why = f" ({pause.why})" if pause.why else ""
    ends = f"until {to_iso(pause.until_ms)}" if pause.until_ms else "until somebody resumes it"
    message = f"{pause.by} paused the queue at {to_iso(pause.at_ms)}{why}, {ends}."
    details = {"by": pause.by, "reason": pause.why, "since_at_ms": pause.at_ms, "until_at_ms": pause.until_ms}
    return Reason(Code.PAUSED, message, details)


def _breaker_open(breaker: BreakerState, since_ms: int) -> Reason:
    probe = "a probe is under way"
    if breaker.state == "open" and breaker.next_probe_at_ms is not None:
        probe = f"one job is let through at {to_iso(breaker.next_probe_at_ms)}"
    message = f"The provider fails, so the circuit breaker is open since {to_iso(since_ms)} ({breaker.why}); {probe}."
    details = {"reason": breaker.why, "since_at_ms": since_ms, "next_probe_at_ms": breaker.next_probe_at_ms}
    return Reason(Code.BREAKER_OPEN, message, {**details, "state": breaker.state})


def _own_place(facts: Facts) -> Iterator[Reason]:
    """What keeps this waiting job from running."""
    yield from _queue_limits(facts)
    if facts.group is not None:
        yield from _group_limits(facts, facts.group)
    if facts.line.where == "solo" or facts.stalls:
        message = "A worker vanished while it ran this job: it runs alone, once a worker has nothing else to do."
        yield Reason(Code.RUNS_ALONE, message, {"stalls": facts.stalls})
    threads = facts.workers.threads
    if threads and facts.active >= threads:
        message = f"All {threads} threads of the workers are busy."
        yield Reason(Code.WORKERS_BUSY, message, {"running": facts.active, "threads": threads})
    if facts.line.where != "parked" and facts.line.ahead:
        jobs = "1 job stands" if facts.line.ahead == 1 else f"{facts.line.ahead:,} jobs stand"
        yield Reason(Code.BEHIND, f"{jobs} before it in line.", {"jobs": facts.line.ahead})


def _queue_limits(facts: Facts) -> Iterator[Reason]:
    limits = facts.limits
    opens = queue_opens_at_ms(facts)
    if limits.rate is not None and opens > facts.now_ms:
        words = rate_words(limits.rate)
        message = f"The queue may start {words}: the next job may start at {to_iso(opens)}."
        yield Reason(Code.QUEUE_RATE, message, {"rate": words, "until_at_ms": opens})
    if limits.concurrency is not None and facts.active >= limits.concurrency:
        message = f"{facts.active} jobs of the queue run; its limit is {limits.concurrency} over all workers."
        yield Reason(Code.QUEUE_CONCURRENCY, message, {"running": facts.active, "limit": limits.concurrency})


def _group_limits(facts: Facts, group: Group) -> Iterator[Reason]:
    limits, parked = facts.limits, facts.line.where == "parked"
    before = facts.line.ahead if parked else 0
    common = {"group": group.name, "before": before, "parked": group.parked}
    if limits.group_concurrency is not None and group.running >= limits.group_concurrency:
        message = (
            f"{group.running} jobs of its group {group.name} run; the limit of a group is {limits.group_concurrency}."
        )
        yield Reason(Code.GROUP_CONCURRENCY, message, {**common, "running": group.running})
    if limits.group_rate is not None and group.opens_at_ms > facts.now_ms:
        opens = math.ceil(group.opens_at_ms)
        words = rate_words(limits.group_rate)
        message = f"Its group {group.name} may start {words}: its next job may start at {to_iso(opens)}."
        yield Reason(Code.GROUP_RATE, message, {**common, "rate": words, "until_at_ms": opens})
    if parked:
        message = (
            f"Groups take turns: another job of its group {group.name} stands in line, {before} more before this one."
        )
        yield Reason(Code.GROUP_TURN, message, {**common, "in_line": group.exposed or None})


def _delayed(job: Job, facts: Facts) -> Reason:
    due = facts.due_at_ms or facts.now_ms
    details: dict[str, Any] = {"until_at_ms": due}
    error = job.error
    failed_at = 0 if error is None else int(error.get("at", 0))
    retrying = facts.attempt > 0 and error is not None and error.get("attempt") == facts.attempt
    if retrying and not (facts.released_ms and (facts.started_at_ms or 0) > failed_at):
        details |= {"attempt": facts.attempt, "attempts": job.attempts, "error": (error or {}).get("type")}
        message = f"Attempt {facts.attempt} of {job.attempts} failed: the next one begins at {to_iso(due)}."
        return Reason(Code.RETRY, message, details)
    if facts.started_at_ms is not None:
        message = f"Its last run gave it back without using an attempt: it waits until {to_iso(due)}."
        return Reason(Code.RELEASED, message, details)
    return Reason(Code.DELAYED, f"It was enqueued with a delay: it runs at {to_iso(due)} or later.", details)


def _blocked(job: Job, facts: Facts) -> Iterator[Reason]:
    if facts.blocker:
        state = facts.blocker_state or "gone"
        message = (
            f"Job {facts.blocker} ({state}) holds the same deduplication key: this one follows when that has ended."
        )
        yield Reason(Code.DEDUPLICATION, message, {"blocked_by": [facts.blocker], "blocker_state": state})
    elif waits_for := job.waits_for:
        jobs = "one job" if len(waits_for) == 1 else f"{len(waits_for)} jobs"
        message = f"It belongs to a flow and waits for {jobs}: {', '.join(waits_for[:5])}."
        yield Reason(Code.FLOW, message, {"blocked_by": waits_for})


def queue_opens_at_ms(facts: Facts) -> int:
    """When the queue's rate lets its next job start; the same arithmetic as ``advance.lua``."""
    rate = facts.limits.rate
    if rate is None:
        return facts.now_ms
    jobs, window_ms = rate
    burst = jobs // 20
    interval = window_ms / (jobs - burst)
    tolerance = interval * max(burst, 1)
    tat = max(facts.limits.rate_tat_ms, facts.now_ms)
    return max(math.ceil(tat + interval - tolerance), facts.now_ms)


def rate_words(rate: tuple[int, int]) -> str:
    """``80 jobs a second``, ``1 job in 6 s``."""
    jobs, window_ms = rate
    unit = {1_000: "a second", 60_000: "a minute", 3_600_000: "an hour"}.get(window_ms, f"in {window_ms / 1000:g} s")
    return f"{jobs} job{'' if jobs == 1 else 's'} {unit}"
