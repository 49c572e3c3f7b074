"""The worker process of queue ``credit-score-calculation``: ``dramatiq services.credit.worker:start``."""

from __future__ import annotations

from services.credit.actors import declare
from shared.queues import Queue
from shared.worker import limit_when_redis_answers, worker_parts


def start() -> None:
    """Wire the credit worker; Dramatiq calls this once per process."""
    parts = worker_parts(Queue.CREDIT_SCORE)
    limit_when_redis_answers(parts)
    parts.run(declare(parts.settings.clock()))
