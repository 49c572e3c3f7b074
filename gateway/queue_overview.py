"""What an operator wants to know of each queue at a glance, and which queue needs somebody first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.context import Gateway
from shared.job_records import QueueStats
from shared.queue_history import Note, drains_in_ms, error_share, growth_per_minute, histories, minutes, per_minute
from shared.worker_control import Capacity

ALARMING_ERRORS = 0.05
"""From this share of failed jobs on, a queue counts as failing."""


class Condition(StrEnum):
    """How a queue does, the worst first."""

    STRANDED = "stranded"
    LATE = "late"
    FAILING = "failing"
    PAUSED = "paused"
    UNMANNED = "unmanned"
    BUSY = "busy"
    IDLE = "idle"


ORDER = tuple(Condition)
NEEDS_SOMEBODY = frozenset({Condition.STRANDED, Condition.LATE, Condition.FAILING})


@dataclass(frozen=True, slots=True)
class QueueOverview:
    """One queue at one moment; times in ms, ``error_share`` from 0 to 1, None where nothing is known yet."""

    stats: QueueStats
    capacity: Capacity
    target_ms: int
    condition: Condition
    per_minute: float | None
    error_share: float | None
    drains_in_ms: int | None
    growth_per_minute: float
    minutes: tuple[int, ...]


def overview(gateway: Gateway) -> list[QueueOverview]:
    """Every queue, the one that needs somebody most first. Raises ``RedisUnavailable``."""
    stats = gateway.store.stats()
    capacities = gateway.workers.capacities()
    notes = histories(gateway.broker.scripts.client)
    found = [
        _of(each, capacities[queue], notes[queue], gateway.settings.policy(queue).target_wait_ms)
        for queue, each in stats.items()
    ]
    return sorted(found, key=_need)


def condition_of(stats: QueueStats, target_ms: int, errors: float | None) -> Condition:
    """What an operator should know first."""
    if stats.pause is not None:
        return Condition.PAUSED
    if stats.workers == 0:
        return Condition.STRANDED if stats.backlog else Condition.UNMANNED
    if (stats.oldest_waiting_ms or 0) > target_ms:
        return Condition.LATE
    if errors is not None and errors >= ALARMING_ERRORS:
        return Condition.FAILING
    return Condition.BUSY if stats.active or stats.waiting else Condition.IDLE


def _of(stats: QueueStats, capacity: Capacity, notes: list[Note], target_ms: int) -> QueueOverview:
    errors = error_share(notes)
    return QueueOverview(
        stats=stats,
        capacity=capacity,
        target_ms=target_ms,
        condition=condition_of(stats, target_ms, errors),
        per_minute=per_minute(notes),
        error_share=errors,
        drains_in_ms=drains_in_ms(notes, stats.waiting),
        growth_per_minute=growth_per_minute(notes, stats.waiting),
        minutes=tuple(minutes(notes, capacity.now_ms)),
    )


def _need(queue: QueueOverview) -> tuple[int, float, int]:
    lateness = (queue.stats.oldest_waiting_ms or 0) / queue.target_ms
    return ORDER.index(queue.condition), -lateness, -queue.stats.backlog
