"""The archive: finished jobs and all events move from Redis to the database.

``Archiver.run_once`` reads each queue's event stream from its beginning, writes
events, finished jobs and the position in one transaction, and trims the stream
only after the commit. Killed anywhere, it loses nothing and doubles nothing:

- Before the commit, the entries are still in the stream.
- Between commit and trim, they are read again. Their ids are not beyond the stored
  position, so they are compared with the archived rows and passed over.
- Two archivers at once take turns at the position's row; the second one finds the
  first one's rows the same way.
- A Redis that was wiped or restored from an older file may hand out ids that lie
  before the position again (its clock may be behind). Reading from the beginning finds
  them; an id that the archive knows with another content gets a row of its own.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, cast

import redis
from sqlalchemy import select, tuple_, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared.broker import keys
from shared.broker.states import Event
from shared.database.archive_entries import NO_FAILURE, Entry, event_row, job_row, read_entry, size_of
from shared.database.base import JsonObject, utc_now
from shared.database.bulk import insert_many, insert_or
from shared.database.chains import event_form, extend
from shared.database.job_index import write_index
from shared.database.models.engine import ArchivedJob, ArchivePosition, JobEventRow
from shared.database.rows import insert_new
from shared.database.session import Database
from shared.queues import Queue

FIRST_BATCH = 200
LARGEST_BATCH = 1_000
BATCH_BYTES = 8 * 1024 * 1024
"""Entries of finished jobs carry whole payloads: the batch follows their size."""
DISPLACEMENT = 1 << 32
"""Added to ``seq`` when an id comes again with another content; no stream counts that far in a millisecond."""
_AT_ONCE = 500

logger = logging.getLogger(__name__)


class Archiver:
    """Moves events and finished jobs of all queues to the database; several may run at once.

    ``client`` is a plain Redis client; whether it decodes answers doesn't matter.
    """

    def __init__(self, database: Database, client: redis.Redis) -> None:
        self._database = database
        self._client = client
        self._batch = dict.fromkeys(Queue, FIRST_BATCH)

    def run_once(self) -> int:
        """Archive what the streams hold now; returns the number of new events.

        A database error on one queue doesn't keep the others waiting; the first one is
        raised at the end. Redis errors are raised at once.
        """
        archived = 0
        errors: list[SQLAlchemyError] = []
        for queue in Queue:
            try:
                archived += self._drain(queue)
            except SQLAlchemyError as error:
                logger.warning("events of queue %s stay in Redis: %s", queue, error)
                errors.append(error)
        if errors:
            raise errors[0]
        return archived

    def _drain(self, queue: Queue) -> int:
        archived = 0
        while True:
            count = self._batch[queue]
            entries = self._read(queue, count)
            if entries:
                with self._database.session() as tx:
                    archived += _store(tx, queue, entries)
                self._trim(queue, entries[-1])
            if len(entries) < count:
                return archived

    def _read(self, queue: Queue, count: int) -> list[Entry]:
        answer = cast("list[tuple[bytes, dict[bytes, bytes]]]", self._client.xrange(keys.events(queue), count=count))
        size = sum(size_of(raw) for _, raw in answer)
        if answer:
            fitting = len(answer) * BATCH_BYTES // max(size, 1)
            self._batch[queue] = max(1, min(fitting, count * 2, LARGEST_BATCH))
        return [read_entry(stream_id, raw) for stream_id, raw in answer]

    def _trim(self, queue: Queue, last: Entry) -> None:
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hset(keys.meta(queue), "archived", f"{last.at_ms}-{last.seq}")
            pipeline.xtrim(keys.events(queue), minid=f"{last.at_ms}-{last.seq + 1}", approximate=False)
            pipeline.execute()


def _store(tx: Session, queue: Queue, entries: Sequence[Entry]) -> int:
    """Write what is new among ``entries`` and move the position; returns how many are new."""
    position = _lock_position(tx, queue)
    last = entries[-1].position
    fresh = [entry for entry in entries if entry.position > position]
    again = [entry for entry in entries if entry.position <= position]
    new = [*_unknown(tx, queue, again), *fresh]
    rows = [event_row(queue, entry) for entry in new]
    extend(tx, queue, rows, event_form)
    insert_many(tx, JobEventRow, rows)
    write_index(tx, queue, new)
    _upsert_jobs(tx, queue, new)
    if last > position:
        tx.execute(
            update(ArchivePosition)
            .where(ArchivePosition.queue == queue)
            .values(at_ms=last[0], seq=last[1], updated_at=utc_now())
        )
    return len(new)


def _lock_position(tx: Session, queue: Queue) -> tuple[int, int]:
    query = select(ArchivePosition.at_ms, ArchivePosition.seq).where(ArchivePosition.queue == queue).with_for_update()
    row = tx.execute(query).one_or_none()
    if row is None:
        insert_new(tx, ArchivePosition, {"queue": queue, "at_ms": 0, "seq": 0})
        row = tx.execute(query).one()
    return row.at_ms, row.seq


def _unknown(tx: Session, queue: Queue, entries: Sequence[Entry]) -> list[Entry]:
    """Those entries that the archive doesn't hold, displaced where it holds another under their id."""
    if not entries:
        return []
    archived = _rows_at(tx, queue, sorted({entry.at_ms for entry in entries}))
    new = []
    for entry in entries:
        rows = archived[entry.position]
        if any(entry.is_same_event(*row) for row in rows):
            continue
        if rows:
            logger.warning("event %d-%d of queue %s came again as another one", entry.at_ms, entry.seq, queue)
            entry.seq += DISPLACEMENT * len(rows)
        new.append(entry)
    return new


def _rows_at(
    tx: Session, queue: Queue, instants: Sequence[int]
) -> dict[tuple[int, int], list[tuple[str | None, str, JsonObject]]]:
    """The archived events at these milliseconds by their stream id, displaced ones under their original id."""
    rows = defaultdict(list)
    for start in range(0, len(instants), _AT_ONCE):
        query = select(
            JobEventRow.at_ms, JobEventRow.seq, JobEventRow.job_id, JobEventRow.event, JobEventRow.fields
        ).where(JobEventRow.queue == queue, JobEventRow.at_ms.in_(instants[start : start + _AT_ONCE]))
        for at_ms, seq, job_id, event, fields in tx.execute(query):
            rows[at_ms, seq % DISPLACEMENT].append((job_id, event, fields))
    return rows


def _upsert_jobs(tx: Session, queue: Queue, entries: Iterable[Entry]) -> None:
    """Write the finished jobs of ``entries``; of a job that finished several times the newest stands.

    A failed job that somebody retried is no failure any more, though it stays as it failed until it ends again.
    """
    rows: dict[str, dict[str, Any]] = {}
    for entry in entries:
        row = job_row(queue, entry)
        if row is not None:
            rows[row["job_id"]] = row
        elif entry.job_id is not None and (change := _changed_by(entry)):
            if entry.job_id in rows:
                rows[entry.job_id] |= change
            else:
                _change(tx, entry, change)
    insert_or(tx, ArchivedJob, list(rows.values()), _if_newer)


def _if_newer(insert: Any) -> Any:
    excluded = insert.excluded
    theirs = tuple_(excluded.event_ms, excluded.event_seq)
    return insert.on_conflict_do_update(
        index_elements=[ArchivedJob.job_id],
        set_={column.name: excluded[column.name] for column in ArchivedJob.__table__.c if not column.primary_key},
        where=theirs > tuple_(ArchivedJob.event_ms, ArchivedJob.event_seq),
    )


def _changed_by(entry: Entry) -> dict[str, Any]:
    """What an event that doesn't end its job changes in what the archive says of it."""
    match entry.event:
        case Event.RETRIED:
            return dict(NO_FAILURE)
        case Event.REMOVED:
            return {"removed_ms": entry.at_ms}
        case Event.RESTORED:
            return {"removed_ms": None}
        case _:
            return {}


def _change(tx: Session, entry: Entry, change: dict[str, Any]) -> None:
    ended_before = tuple_(ArchivedJob.event_ms, ArchivedJob.event_seq) < tuple_(entry.at_ms, entry.seq)
    tx.execute(update(ArchivedJob).where(ArchivedJob.job_id == entry.job_id, ended_before).values(change))
