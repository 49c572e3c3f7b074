"""Every retailer's credit score, anew each night."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from gateway.housekeeping.parts import JOBS_AT_ONCE, Parts, job_id_of_day
from shared.broker.options import NewJob
from shared.database import Database
from shared.database.models import Retailer
from shared.messages.credit import ScoreRetailer, Trigger


def score_retailers(parts: Parts) -> str:
    """Ask for a calculation of each retailer's score, under an id made of the day and the retailer.

    A retailer for whom a calculation is waiting already gets no second one.
    """
    today = parts.settings.clock().today()
    asked, created = 0, 0
    for codes in _retailers(parts.database):
        jobs = [_job(parts, code, job_id_of_day("nightly", today, code)) for code in codes]
        asked += len(jobs)
        created += sum(answer.created for answer in parts.jobs.enqueue_many(jobs))
    return f"{asked} retailers to score, {created} new jobs"


def _retailers(database: Database) -> Iterator[list[str]]:
    """The codes of all retailers, in batches, each read in a transaction of its own."""
    last = 0
    while True:
        query = select(Retailer.id, Retailer.code).where(Retailer.id > last).order_by(Retailer.id).limit(JOBS_AT_ONCE)
        with database.reader() as tx:
            rows = tx.execute(query).all()
        if not rows:
            return
        last = rows[-1].id
        yield [row.code for row in rows]


def _job(parts: Parts, code: str, job_id: str) -> NewJob:
    return parts.jobs.message_job(ScoreRetailer(code, Trigger.MANUAL), {"jobId": job_id})
