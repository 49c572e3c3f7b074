"""The worker process of queue ``report-generation``: ``dramatiq services.reports.worker:start``."""

from __future__ import annotations

import dramatiq

from services.reports.actors import declare
from services.reports.making import ReportMaker
from services.reports.storage import ReportStorage
from shared import logs
from shared.broker import make_broker
from shared.database.session import Database
from shared.queues import Queue
from shared.sentry import configure_sentry, report_failures
from shared.settings import Settings


def start() -> None:
    """Wire the reports worker; Dramatiq calls this once per process."""
    settings = Settings.from_environment()
    logs.configure(settings, "worker-reports")
    configure_sentry(settings)
    broker = make_broker(settings, queue=Queue.REPORT_GENERATION)
    report_failures(broker)
    database = Database(settings.database_url, application_name="doko-reports")
    maker = ReportMaker(database, ReportStorage(settings.data_dir), settings.clock())
    declare(maker).bind(broker, database)
    dramatiq.set_broker(broker)
