"""Claims: a job's effects happen once, however often the job is delivered.

The effects of a job and its row in ``processed_jobs`` commit in one transaction.
A job that comes again (its worker died between the commit and the finish, or
lost its lease and ran on) finds the row and returns the stored result.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from shared.database.base import JsonObject, utc_now
from shared.database.models import ProcessedJob
from shared.database.rows import insert_new
from shared.database.session import Database
from shared.errors import TransientError
from shared.queues import Queue

_STORED = select(ProcessedJob.result).where(ProcessedJob.job_id == bindparam("job_id"))


class AlreadyClaimed(TransientError):
    """Another run of the same job committed first; this one's effects are rolled back, its retry finds the result."""


def stored_result(tx: Session, job_id: str) -> JsonObject | None:
    """What the job returned when it took effect; None if it hasn't."""
    return tx.connection().scalar(_STORED, {"job_id": job_id})


def claim(tx: Session, job_id: str, queue: Queue, result: JsonObject) -> None:
    """Record, in the transaction of the effects, that the job took effect.

    If another run of the job is about to commit, this waits for it. Raises
    ``AlreadyClaimed`` if one has: the caller must let its transaction roll back.
    """
    row = {"job_id": job_id, "queue": queue, "result": result, "finished_at": utc_now()}
    if not insert_new(tx, ProcessedJob, row):
        raise AlreadyClaimed(f"job {job_id} took effect in another run")


def run_once(database: Database, job_id: str, queue: Queue, effect: Callable[[Session], JsonObject]) -> JsonObject:
    """Run ``effect`` and claim the job in one transaction; return its result, or the one stored before.

    ``effect`` gets the open transaction. Its errors roll everything back and pass through, unless the job took
    effect before: whatever a second run trips over, its answer is the first one's result.
    """
    # Nearly every job comes once, so nobody looks for its claim beforehand: writing it shows whether there is one.
    try:
        with database.session() as tx:
            result = effect(tx)
            claim(tx, job_id, queue, result)
            return result
    except Exception:
        with database.reader() as tx:
            stored = stored_result(tx, job_id)
        if stored is None:
            raise
        return stored
