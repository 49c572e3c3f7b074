"""Sends a finished report to the address that was asked for with it, once.

A job of its own: a mail server that is away never makes a report be made again, and a report that is made
again is never sent twice, since the row that says READY asks for this job in its transaction.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from services.reports import records
from services.reports.columns import TITLES
from services.reports.document import filters_of_json, in_words
from shared.clock import BUSINESS_ZONE, Clock, business_day
from shared.database.models import Report
from shared.database.session import Database
from shared.errors import PermanentError
from shared.mail import Attachment, Letter, Mailer, Result
from shared.storage import CONTENT_TYPES, ReportStorage, download_name

PURPOSE = "report"
MOST_ATTACHED_BYTES = 15 * 1024 * 1024
"""A larger file would be over 20 MB in the letter, which many mailboxes refuse."""

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReportMailer:
    """Sends the reports of one deployment; ``api_url`` is where people find the API."""

    database: Database
    storage: ReportStorage
    mailer: Mailer
    clock: Clock
    api_url: str

    def send(self, job_id: str, report_id: str) -> Result:
        """Send the report, or find that the job sent it; PermanentError if there is nothing to send (any more)."""
        known = self.mailer.sent_before(job_id, PURPOSE)
        if known is not None:
            return known
        with self.database.reader() as tx:
            report = records.find(tx, report_id)
        if report is None or report.email is None:
            raise PermanentError(f"no report {report_id} was asked for with an e-mail address")
        return self.mailer.send(job_id, PURPOSE, self._letter(report, report.email))

    def _letter(self, report: Report, recipient: str) -> Letter:
        made_at, expires_at = report.finished_at, report.expires_at
        if made_at is None or expires_at is None or report.location is None or expires_at <= self.clock.now():
            raise PermanentError(f"the report {report.job_id} has no file (any more): ask for it again")
        name = download_name(report.type, report.format, business_day(made_at))
        size = report.size_bytes or 0
        head = self._head(report)
        link = (
            f"Download it with your API token until {_in_nepal(expires_at)}:\n"
            f"{self.api_url.rstrip('/')}/api/v1/reports/{quote(report.job_id, safe='')}/download\n"
        )
        alone = f"{head}The file, {name}, is too large for an e-mail ({size / _MIB:,.1f} MB).\n{link}"
        subject = f"{TITLES[report.type]} report, {made_at.astimezone(BUSINESS_ZONE):%d %b %Y}"
        if size > MOST_ATTACHED_BYTES:
            return Letter(recipient, subject, alone)
        attachment = Attachment(name, CONTENT_TYPES[report.format], self._content(report.job_id, report.location))
        return Letter(recipient, subject, f"{head}The file is attached: {name}\n{link}", attachment, alone)

    def _content(self, report_id: str, location: str) -> bytes:
        try:
            with closing(self.storage.open(location)) as file:
                return file.read()
        except FileNotFoundError as error:
            raise PermanentError(f"the file of the report {report_id} is gone: ask for it again") from error

    def _head(self, report: Report) -> str:
        """What the report is of: its filters, and how many rows."""
        made_at = report.finished_at or report.created_at
        filters = filters_of_json(report.type, report.filters)
        words = in_words(report.type, filters, business_day(made_at))
        lines = [
            f"{TITLES[report.type]}, made {_in_nepal(made_at)}",
            "",
            *(f"{name}: {value}" for name, value in words),
            f"Retailers: {report.row_count:,}",
            f"SHA-256: {report.checksum}",
        ]
        return "\n".join(lines) + "\n\n"


def _in_nepal(instant: datetime) -> str:
    return f"{instant.astimezone(BUSINESS_ZONE):%d %b %Y, %H:%M} (Nepal time)"
