"""Tables that jobs are found and counted by; the archiver fills them with the events."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.base import Base, name_of
from shared.database.models.engine import JOB_ID_LENGTH
from shared.queues import Queue
from shared.subjects import VALUE_LENGTH

NAME_LENGTH = 64
EVENT_LENGTH = 32


def _of(column: str) -> Index:
    """The newest jobs of one subject: only rows that have one."""
    given = text(f"{column} is not null")
    return Index(f"ix_job_index_{column}", column, "created_ms", postgresql_where=given, sqlite_where=given)


class JobIndexRow(Base):
    """One job as it was enqueued: its name, its time, its subjects. What became of it stands elsewhere.

    A name belongs to one queue, so the key serves lists of a name and lists of a queue. A job about several orders has
    a row for each (``place`` 0, 1 …); only the first one has its other subjects.
    """

    __tablename__ = "job_index"
    __table_args__ = (
        CheckConstraint("created_ms >= 0 and place >= 0", name="place_positive"),
        *map(_of, ("order_number", "retailer", "phone", "user_name")),
    )

    name: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    created_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    job_id: Mapped[str] = mapped_column(String(JOB_ID_LENGTH), primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    order_number: Mapped[str | None] = mapped_column(String(VALUE_LENGTH))
    retailer: Mapped[str | None] = mapped_column(String(VALUE_LENGTH))
    phone: Mapped[str | None] = mapped_column(String(VALUE_LENGTH))
    """A hash (``shared/subjects.py``), never the number."""
    user_name: Mapped[str | None] = mapped_column(String(VALUE_LENGTH))


class JobMinute(Base):
    """What happened in one minute of a queue: how often, and how long the attempts took in all.

    ``event`` is the stream's word, or ``created`` for a job's first event and ``retrying`` for a failed attempt that
    will be repeated.
    """

    __tablename__ = "job_minutes"
    __table_args__ = (CheckConstraint("events >= 1 and duration_ms >= 0", name="counts_positive"),)

    queue: Mapped[Queue] = mapped_column(name_of(Queue), primary_key=True)
    minute_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """When it began, epoch milliseconds."""
    event: Mapped[str] = mapped_column(String(EVENT_LENGTH), primary_key=True)
    events: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int] = mapped_column(BigInteger)
