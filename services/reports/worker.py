"""The worker process of queue ``report-generation``: ``dramatiq services.reports.worker:start``."""

from __future__ import annotations

from services.reports.actors import declare
from services.reports.mailing import ReportMailer
from services.reports.making import ReportMaker
from shared.mail import make_mailer
from shared.queues import Queue
from shared.storage import make_storage
from shared.worker import limit_when_redis_answers, worker_parts


def start() -> None:
    """Wire the reports worker; Dramatiq calls this once per process."""
    parts = worker_parts(Queue.REPORT_GENERATION)
    limit_when_redis_answers(parts)
    settings, database, clock = parts.settings, parts.database, parts.settings.clock()
    storage = make_storage(settings)
    maker = ReportMaker(database, storage, clock, producer=parts.broker)
    mailer = ReportMailer(database, storage, make_mailer(settings, database), clock, settings.api_url)
    parts.run(declare(maker, mailer))
