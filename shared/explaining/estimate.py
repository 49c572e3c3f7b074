"""About when a job starts: from what stands before it, how long the last jobs took, and how many run at once."""

from __future__ import annotations

from dataclasses import dataclass

from shared.broker.states import State
from shared.explaining.facts import Facts
from shared.explaining.reasons import queue_opens_at_ms

MEASURED_JOBS = 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """When it starts at the earliest (epoch ms), or None with the words why nobody can say."""

    starts_at_ms: int | None
    how: str


def position_of(facts: Facts) -> int | None:
    """The job's place in line, from 1; None for one that stands in no line or behind its group."""
    return facts.line.ahead + 1 if facts.line.where in {"waiting", "solo"} else None


def estimate_of(facts: Facts) -> Estimate:
    """Nobody can say for a paused queue without an end, without workers, or for what waits for another job."""
    if unknown := _unknown(facts):
        return Estimate(None, unknown)
    pause_ends = (facts.pause and facts.pause.until_ms) or 0
    earliest = max(facts.now_ms, pause_ends, queue_opens_at_ms(facts), facts.due_at_ms or 0)
    return _of_group(facts, earliest) if facts.line.where == "parked" else _in_line(facts, earliest)


def _unknown(facts: Facts) -> str:
    """Why nobody can say, or nothing."""
    if facts.state is State.ACTIVE:
        return "it runs"
    if facts.state is State.BLOCKED:
        return "it waits for another job"
    if facts.pause is not None and facts.pause.until_ms is None:
        return "the queue is paused without an end"
    if facts.breaker.since_ms is not None:
        return "the circuit breaker is open, until a probe succeeds"
    return "" if facts.workers.threads else "no worker takes jobs"


def _in_line(facts: Facts, earliest: int) -> Estimate:
    ahead, took = facts.line.ahead, facts.took_ms
    slots = min(facts.workers.threads, facts.limits.concurrency or facts.workers.threads)
    if ahead < slots - facts.active:
        return Estimate(earliest, "a thread is free")
    if not took:
        return Estimate(None, "no job has completed lately")
    each_ms = max(sum(took) / len(took), 1)
    busy_ms = (ahead + 1) * each_ms / slots
    rate_ms = ahead * facts.limits.rate[1] / facts.limits.rate[0] if facts.limits.rate else 0
    how = f"{ahead} jobs before it, {slots} at once, {each_ms:.0f} ms each (mean of the last {len(took)})"
    if rate_ms > busy_ms:
        how = f"{ahead} jobs before it at the queue's rate"
    return Estimate(earliest + round(max(busy_ms, rate_ms)), how)


def _of_group(facts: Facts, earliest: int) -> Estimate:
    """A parked job: its group's rate, one job after the other."""
    rate, group = facts.limits.group_rate, facts.group
    if rate is None or group is None:
        return Estimate(None, "its group takes turns with others, at a pace that nobody knows")
    in_line = 1 if group.exposed else 0
    wait_ms = (facts.line.ahead + in_line) * rate[1] / rate[0]
    opens = max(earliest, int(group.opens_at_ms))
    return Estimate(
        opens + round(wait_ms), f"{facts.line.ahead + in_line} jobs of its group before it at the group's rate"
    )
