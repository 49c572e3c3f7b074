"""The worker process of queue ``credit-score-calculation``: ``dramatiq services.credit.worker:start``."""

from __future__ import annotations

import dramatiq

from services.credit.actors import declare
from shared import logs
from shared.broker import make_broker
from shared.database.session import Database
from shared.queues import Queue
from shared.sentry import configure_sentry, report_failures
from shared.settings import Settings


def start() -> None:
    """Wire the credit worker; Dramatiq calls this once per process."""
    settings = Settings.from_environment()
    logs.configure(settings, "worker-credit")
    configure_sentry(settings)
    broker = make_broker(settings, queue=Queue.CREDIT_SCORE)
    report_failures(broker)
    database = Database(settings.database_url, application_name="doko-credit")
    declare(settings.clock()).bind(broker, database)
    dramatiq.set_broker(broker)
