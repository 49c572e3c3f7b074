"""The worker process of queue ``report-generation``: ``dramatiq services.reports.worker:start``."""

from __future__ import annotations

from services.reports.actors import declare
from services.reports.making import ReportMaker
from shared.queues import Queue
from shared.storage import make_storage
from shared.worker import limit_when_redis_answers, worker_parts


def start() -> None:
    """Wire the reports worker; Dramatiq calls this once per process."""
    parts = worker_parts(Queue.REPORT_GENERATION)
    limit_when_redis_answers(parts)
    maker = ReportMaker(parts.database, make_storage(parts.settings), parts.settings.clock())
    parts.run(declare(maker))
