"""The one job of the queue: make a report."""

from __future__ import annotations

from services.reports.making import ReportMaker
from shared.actors import ActorRegistry
from shared.broker import current_job
from shared.database.base import JsonObject
from shared.database.session import Database
from shared.messages.reports import GenerateReport
from shared.queues import Queue


def declare(maker: ReportMaker) -> ActorRegistry:
    """The actors of the queue, making reports with ``maker``."""
    actors = ActorRegistry(Queue.REPORT_GENERATION)

    # A report is read in a transaction that only reads, and noted in another: nobody waits for its file.
    @actors.actor(GenerateReport, transaction=False)
    def generate_report(job: GenerateReport, database: Database) -> JsonObject:  # noqa: ARG001 - the maker has its own
        """Make one report, once."""
        current = current_job()
        if current is None:
            raise RuntimeError("a report is made as a job only: its file goes by the job's id")
        try:
            return maker.make(current.id, job, current.progress)
        except Exception as error:
            if current.is_final(error):
                maker.fail(current.id)
            raise

    return actors
