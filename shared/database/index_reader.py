"""Reading the job index: the newest jobs of a subject, of a name or of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, func, literal_column, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.database.bulk import among, plain_order
from shared.database.job_index import job_names
from shared.database.models.job_index import JobIndexRow, JobMinute
from shared.database.session import Database
from shared.job_index import Activity, Indexed, Span
from shared.queues import Queue
from shared.subjects import SubjectKind

_COLUMNS: dict[SubjectKind, InstrumentedAttribute[Any]] = {
    SubjectKind.ORDER: JobIndexRow.order_number,
    SubjectKind.RETAILER: JobIndexRow.retailer,
    SubjectKind.PHONE: JobIndexRow.phone,
    SubjectKind.USER: JobIndexRow.user_name,
}
_READ = (JobIndexRow.created_ms, JobIndexRow.job_id)


class DatabaseIndex:
    """The job search's ``JobIndex``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_subject(self, kind: SubjectKind, values: Sequence[str], span: Span, limit: int) -> list[Indexed]:
        """The newest jobs about one of ``values`` in ``span``; one about several of them comes as often."""
        with self._database.reader() as tx:
            column = _COLUMNS[kind]
            # A list of one would keep PostgreSQL from reading the index in its order.
            is_asked = column == values[0] if len(values) == 1 else among(tx, column, values)
            return _found(tx, _newest(tx, select(*_READ).where(is_asked, *_within(tx, span)), limit))

    def names(self) -> list[str]:
        """The names that jobs have."""
        with self._database.reader() as tx:
            return list(tx.scalars(job_names()))

    def of_names(self, names: Sequence[str], span: Span, limit: int) -> list[Indexed]:
        """The newest jobs of these names in ``span``."""
        with self._database.reader() as tx:
            # Each name is a range of the key, read from its new end.
            first_rows = select(*_READ).where(*_within(tx, span), JobIndexRow.place == 0)
            parts = [_newest(tx, first_rows.where(JobIndexRow.name == name), limit) for name in names]
            if not parts:
                return []
            if len(parts) == 1:
                return _found(tx, parts[0])
            merged = union_all(*(select(part.subquery()) for part in parts)).subquery()
            at, job_id = merged.c.created_ms, plain_order(tx, merged.c.job_id)
            return _found(tx, select(merged).order_by(at.desc(), job_id.desc()).limit(limit))

    def events(
        self, queues: Sequence[Queue], events: Sequence[str], from_ms: int, to_ms: int, bucket_ms: int
    ) -> dict[int, int]:
        """How often these events happened in each stretch, from the counts of each minute."""
        at = JobMinute.minute_ms
        bucket = _bucket(at, from_ms, bucket_ms)
        query = select(bucket, func.sum(JobMinute.events)).where(
            JobMinute.queue.in_(queues), JobMinute.event.in_(events), at >= from_ms, at < to_ms
        )
        with self._database.reader() as tx:
            return {int(place): int(count) for place, count in tx.execute(query.group_by(bucket))}

    def jobs(
        self,
        subject: tuple[SubjectKind, Sequence[str]] | None,
        names: Sequence[str],
        from_ms: int,
        to_ms: int,
        bucket_ms: int,
    ) -> dict[int, int]:
        """How many jobs were created in each stretch, counted in the index."""
        at = JobIndexRow.created_ms
        bucket = _bucket(at, from_ms, bucket_ms)
        query = select(bucket, func.count()).where(JobIndexRow.name.in_(names), at >= from_ms, at < to_ms)
        with self._database.reader() as tx:
            if subject is None:
                query = query.where(JobIndexRow.place == 0)
            else:
                query = query.where(among(tx, _COLUMNS[subject[0]], subject[1]))
            return {int(place): int(count) for place, count in tx.execute(query.group_by(bucket))}

    def activity(self, from_ms: int, bucket_ms: int) -> list[Activity]:
        """What happened since ``from_ms``, by queue, event and stretch."""
        bucket = _bucket(JobMinute.minute_ms, from_ms, bucket_ms)
        columns = (JobMinute.queue, JobMinute.event, bucket)
        query = select(*columns, func.sum(JobMinute.events), func.sum(JobMinute.duration_ms))
        with self._database.reader() as tx:
            rows = tx.execute(query.where(JobMinute.minute_ms >= from_ms).group_by(*columns))
            return [
                Activity(queue, event, int(place), int(count), int(took)) for queue, event, place, count, took in rows
            ]


def _bucket(at: InstrumentedAttribute[int], from_ms: int, bucket_ms: int) -> ColumnElement[int]:
    # Written out: as parameters PostgreSQL would not see that the column and the group are one expression.
    return literal_column(f"({at.key} - {from_ms:d}) / {bucket_ms:d}", BigInteger)


def _within(tx: Session, span: Span) -> list[ColumnElement[bool]]:
    at = JobIndexRow.created_ms
    conditions: list[ColumnElement[bool]] = []
    if span.since_ms is not None:
        conditions.append(at >= span.since_ms)
    if span.until_ms is not None:
        conditions.append(at <= span.until_ms)
    if span.before is not None:
        before_ms, before_id = span.before
        conditions += [at <= before_ms, or_(at < before_ms, plain_order(tx, JobIndexRow.job_id) < before_id)]
    return conditions


def _newest(tx: Session, query: Select[int, str], limit: int) -> Select[int, str]:
    return query.order_by(JobIndexRow.created_ms.desc(), plain_order(tx, JobIndexRow.job_id).desc()).limit(limit)


def _found(tx: Session, query: Select[Any, Any]) -> list[Indexed]:
    return [Indexed(created_ms, job_id) for created_ms, job_id in tx.execute(query)]
