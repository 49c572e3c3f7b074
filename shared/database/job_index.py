"""Writing the job index: the archiver calls it with each batch of new events, in their transaction.

So the index has exactly what the archive has, whatever dies in between, and the hot path in Redis pays for nothing
but some bytes in a job's first event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, delete, func, select, tuple_
from sqlalchemy.orm import Session

from shared.broker.states import Event
from shared.database.archive_entries import Entry
from shared.database.bulk import insert_or
from shared.database.models.job_index import EVENT_LENGTH, NAME_LENGTH, JobIndexRow, JobMinute
from shared.database.rows import insert_for
from shared.queues import Queue
from shared.subjects import SubjectKind, read_index_entry

MINUTE_MS = 60_000
CREATED = "created"
RETRYING = "retrying"
"""A failed attempt that will be repeated: a `delayed` or `waiting` event with an error."""

_JOB = (JobIndexRow.name, JobIndexRow.created_ms, JobIndexRow.job_id)
_COLUMNS = {SubjectKind.RETAILER: "retailer", SubjectKind.PHONE: "phone", SubjectKind.USER: "user_name"}


def write_index(tx: Session, queue: Queue, entries: Sequence[Entry]) -> None:
    """Index the jobs and count the events of ``entries``, none of which the archive held before."""
    jobs: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    changed = set()
    for entry in entries:
        if entry.index is not None and (rows := index_rows(entry)):
            key = tuple(rows[0][column.name] for column in _JOB)
            jobs[key] = rows
            if entry.event == Event.REPLACED:
                changed.add(key)
    if changed:
        tx.execute(delete(JobIndexRow).where(tuple_(*_JOB).in_(sorted(changed))))
    insert_or(tx, JobIndexRow, [row for rows in jobs.values() for row in rows], _passing_over)
    _count(tx, queue, entries)


def _passing_over(insert: Any) -> Any:
    return insert.on_conflict_do_nothing()


def index_rows(entry: Entry) -> list[dict[str, Any]]:
    """The rows of the job that this entry creates, or gives other data to; none for other entries."""
    read = read_index_entry(entry.index)
    if read is None or entry.job_id is None:
        return []
    name, subjects = read
    orders = subjects.get(SubjectKind.ORDER) or (None,)
    job = {"name": name[:NAME_LENGTH], "created_ms": entry.created_ms, "job_id": entry.job_id}
    rows = [
        {**job, "place": place, "order_number": order, "retailer": None, "phone": None, "user_name": None}
        for place, order in enumerate(orders)
    ]
    for kind, column in _COLUMNS.items():
        rows[0][column] = next(iter(subjects.get(kind, ())), None)
    return rows


def _count(tx: Session, queue: Queue, entries: Sequence[Entry]) -> None:
    counts: dict[tuple[int, str], list[int]] = {}
    for entry in entries:
        minute_ms = entry.at_ms // MINUTE_MS * MINUTE_MS
        duration = entry.fields.get("duration")
        for event in _counted_as(entry):
            count = counts.setdefault((minute_ms, event), [0, 0])
            count[0] += 1
            count[1] += max(duration, 0) if isinstance(duration, int) else 0
    rows = [
        {"queue": queue, "minute_ms": minute, "event": event, "events": events, "duration_ms": duration}
        for (minute, event), (events, duration) in sorted(counts.items())
    ]
    if not rows:
        return
    statement = insert_for(tx, JobMinute)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[JobMinute.queue, JobMinute.minute_ms, JobMinute.event],
            set_={
                "events": JobMinute.events + statement.excluded.events,
                "duration_ms": JobMinute.duration_ms + statement.excluded.duration_ms,
            },
        ),
        rows,
    )


def _counted_as(entry: Entry) -> Iterator[str]:
    if entry.index is not None and entry.event != Event.REPLACED:
        yield CREATED
    if "error" in entry.fields and entry.event in {Event.DELAYED, Event.WAITING}:
        yield RETRYING
    yield entry.event[:EVENT_LENGTH]


def job_names() -> Select[tuple[str]]:
    """The names that the index has, each found by one step into the key."""
    first = select(func.min(JobIndexRow.name).label("name")).cte("names", recursive=True)
    after = select(func.min(JobIndexRow.name)).where(JobIndexRow.name > first.c.name).correlate(first).scalar_subquery()
    names = first.union_all(select(after).where(first.c.name.is_not(None)))
    return select(names.c.name).where(names.c.name.is_not(None))
