"""Makes one report: facts from the database, through a builder and a writer, into a stored file, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from services.reports import records, repository
from services.reports.builders import make_builder
from services.reports.columns import Row
from services.reports.document import Document, document_of, filters_json
from services.reports.gathering import gather
from services.reports.writers import WRITERS
from shared import claims, logs, outbox
from shared.business import ReportState
from shared.clock import Clock, business_day
from shared.database.base import JsonObject
from shared.database.session import Database
from shared.errors import QueueError
from shared.jobs import new_job
from shared.mail import JOB_OPTIONS
from shared.messages.reports import GenerateReport, ReportFormat, ReportType, SendReport
from shared.messages.results import as_result
from shared.queues import Queue
from shared.storage import Draft, ReportStorage, location_of, new_file

KEPT = timedelta(days=7)
GATHERED_PERCENT = 90
"""The progress once all rows are read; what is left is finishing and storing the file."""

Progress = Callable[[int], object]

_log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Made:
    """The result of the job."""

    type: ReportType
    format: ReportFormat
    row_count: int
    size_bytes: int
    checksum: str
    expires_at: datetime


class ReportMaker:
    """Makes the reports of one deployment; ``producer`` enqueues their e-mail, without one the relay does."""

    def __init__(
        self, database: Database, storage: ReportStorage, clock: Clock, *, producer: outbox.Enqueues | None = None
    ) -> None:
        self._producer = producer
        self._database = database
        self._storage = storage
        self._clock = clock

    def make(self, job_id: str, job: GenerateReport, progress: Progress) -> JsonObject:
        """Make the report, or return the result of the run that made it; Refused for an unknown retailer."""
        with self._database.session() as tx:
            made = claims.stored_result(tx, job_id)
            if made is not None:
                return made
            records.begin(tx, job_id, job, filters_json(job.filters), now=self._clock.now())
        with new_file() as file:
            rows = self._write(job, file, _in_steps(progress))
            draft = self._storage.save_draft(file)
        try:
            result = self._store(job_id, job, draft, rows)
        finally:
            self._storage.discard(draft)
        progress(100)
        return result

    def fail(self, job_id: str) -> None:
        """Note that the job has failed for good."""
        with self._database.session() as tx:
            records.save_failed(tx, job_id, now=self._clock.now())

    def _write(self, job: GenerateReport, file: BinaryIO, progress: Progress) -> int:
        with self._database.reader() as tx:
            repository.freeze(tx)
            return WRITERS[job.format](self._document(tx, job, progress), file)

    def _document(self, tx: Session, job: GenerateReport, progress: Progress) -> Document:
        total = repository.count_retailers(tx, job.filters)
        if not total and job.filters.retailer_id is not None:
            repository.refuse_unknown(tx, job.filters.retailer_id)
        now = self._clock.now()
        builder = make_builder(job.type, job.filters)

        def rows() -> Iterator[Row]:
            for facts in gather(
                tx,
                job.type,
                job.filters,
                today=business_day(now),
                done=lambda count: progress(GATHERED_PERCENT * count // max(total, count)),
            ):
                row = builder.row(facts)
                if row is not None:
                    yield row

        return document_of(job, rows(), builder.totals, builder.charts, now=now)

    def _store(self, job_id: str, job: GenerateReport, draft: Draft, rows: int) -> JsonObject:
        asked_for: list[str] = []

        def effect(tx: Session) -> JsonObject:
            # Whoever holds the lock moves its file; another run of the job then finds the report ready.
            report = records.lock(tx, job_id)
            if report.state is ReportState.READY:
                raise claims.AlreadyClaimed(f"report {job_id} was made in another run")
            now = self._clock.now()
            location = location_of(job_id, job.format)
            records.save_ready(report, draft, location, rows=rows, now=now, expires_at=now + KEPT)
            self._storage.put_in_place(draft, location)
            if job.email is not None:
                asked_for.append(outbox.add(tx, job_id, "email", new_job(SendReport(job_id), JOB_OPTIONS)))
            return as_result(Made(job.type, job.format, rows, draft.size_bytes, draft.checksum, now + KEPT))

        result = claims.run_once(self._database, job_id, Queue.REPORT_GENERATION, effect)
        self._publish(asked_for)
        return result

    def _publish(self, job_ids: list[str]) -> None:
        if self._producer is None:
            return
        try:
            outbox.publish(self._database, self._producer, job_ids)
        except (QueueError, SQLAlchemyError) as error:
            # The report is made: its e-mail is a row, which the relay enqueues.
            message = "The e-mail of a report is left to the relay"
            _log.warning("report.email_left_to_relay", message=message, error=type(error).__name__)


def _in_steps(progress: Progress) -> Progress:
    """``progress``, asked only when the whole per cent has changed: each call is a round trip."""
    last = -1

    def step(percent: int) -> None:
        nonlocal last
        if percent != last:
            last = percent
            progress(percent)

    return step
