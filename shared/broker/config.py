"""What the engine needs to know of the settings, in one object passed down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from shared.broker.connection import Confirmation
from shared.queues import POLICIES, Queue, QueuePolicy

if TYPE_CHECKING:
    from shared.settings import Settings

PARKED_DELAY_MS = 30_000
PARKED_FOR_AT_MOST_MS = 24 * 60 * 60 * 1000
RESERVATION_MS = 5_000
STALLS_SURVIVED = 1


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Leases, intervals and policies; durations are milliseconds."""

    lease_ms: int = 30_000
    sweep_interval_ms: int = 2_000
    shutdown_grace_ms: int = 25_000
    events_max: int = 1_000_000
    reservation_ms: int = RESERVATION_MS
    wait_replicas: int = 0
    wait_timeout_ms: int = 1_000
    policies: Mapping[str, QueuePolicy] = field(
        default_factory=lambda: {queue.value: policy for queue, policy in POLICIES.items()}
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> EngineConfig:
        """The engine's part of the process settings."""
        return cls(
            lease_ms=settings.lease_ms,
            sweep_interval_ms=settings.sweep_interval_ms,
            shutdown_grace_ms=settings.shutdown_grace_ms,
            events_max=settings.events_max,
            wait_replicas=settings.redis.wait_replicas,
            wait_timeout_ms=settings.redis.wait_timeout_ms,
            policies={queue.value: settings.policy(queue) for queue in Queue},
        )

    @property
    def confirmation(self) -> Confirmation | None:
        """What replicas must confirm before a change counts as made; None if nothing waits for them."""
        return Confirmation(self.wait_replicas, self.wait_timeout_ms) if self.wait_replicas else None

    def policy(self, queue_name: str) -> QueuePolicy:
        """The policy of a queue; a queue outside the table gets the generic defaults."""
        found = self.policies.get(queue_name)
        if found is None:
            name = cast("Queue", queue_name)
            return QueuePolicy(name, folder=queue_name, job_names=(), concurrency=8, timeout_ms=600_000)
        return found
