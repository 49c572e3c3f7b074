"""The worker process of queue ``order-routing``: ``dramatiq services.routing.worker:start``."""

from __future__ import annotations

from services.routing.actors import declare
from services.routing.alerting import OperatorAlerts
from shared.mail import make_mailer
from shared.queues import Queue
from shared.worker import limit_when_redis_answers, worker_parts


def start() -> None:
    """Wire the routing worker; Dramatiq calls this once per process."""
    parts = worker_parts(Queue.ORDER_ROUTING)
    limit_when_redis_answers(parts)
    settings, database = parts.settings, parts.database
    alerts = OperatorAlerts(database, make_mailer(settings, database), settings.operator_email)
    parts.run(declare(settings.clock(), alerts))
