"""The worker process of queue ``order-routing``: ``dramatiq services.routing.worker:start``."""

from __future__ import annotations

from services.routing.actors import declare
from shared.queues import Queue
from shared.worker import limit_when_redis_answers, worker_parts


def start() -> None:
    """Wire the routing worker; Dramatiq calls this once per process."""
    parts = worker_parts(Queue.ORDER_ROUTING)
    limit_when_redis_answers(parts)
    parts.run(declare(parts.settings.clock()))
