"""The jobs of the queue: make a report, and send it by e-mail."""

from __future__ import annotations

from services.reports.mailing import ReportMailer
from services.reports.making import ReportMaker
from shared.actors import ActorRegistry
from shared.broker import CurrentJob, current_job
from shared.database.base import JsonObject
from shared.database.session import Database
from shared.mail import Result
from shared.messages.reports import GenerateReport, SendReport
from shared.queues import Queue


def declare(maker: ReportMaker, mailer: ReportMailer) -> ActorRegistry:
    """The actors of the queue, making reports with ``maker`` and sending them with ``mailer``."""
    actors = ActorRegistry(Queue.REPORT_GENERATION)

    # A report is read in a transaction that only reads, and noted in another: nobody waits for its file.
    @actors.actor(GenerateReport, transaction=False)
    def generate_report(job: GenerateReport, database: Database) -> JsonObject:  # noqa: ARG001 - the maker has its own
        """Make one report, once."""
        current = _current()
        try:
            made = maker.make(current.id, job, current.progress)
        except Exception as error:
            if current.is_final(error):
                maker.fail(current.id)
            raise
        current.log(f"{made['rowCount']} rows, {made['sizeBytes']} bytes of {job.format}")
        return made

    # No transaction is open while the mail server is asked: the send record has its own.
    @actors.actor(SendReport, transaction=False)
    def send_report(job: SendReport, database: Database) -> Result:  # noqa: ARG001 - the mailer has its own
        """Send one report by e-mail, once."""
        return mailer.send(_current().id, job.report_id)

    return actors


def _current() -> CurrentJob:
    current = current_job()
    if current is None:
        raise RuntimeError("the queue's actors run as jobs only: file and send record go by the job's id")
    return current
