"""The rows of a hash chain as its checker reads them: some at a time, in the chain's order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.database.chains import OPERATOR_LOG, Form, Link, entry_form, event_form, genesis
from shared.database.models import AuditChain, JobEventRow, OperatorLogEntry
from shared.queues import Queue


class ChainRow(NamedTuple):
    """A row as it is stored: its place in the chain, what it says, and how people name it."""

    link: Link
    form: bytes
    place: str


class ChainState(NamedTuple):
    """What ``audit_chains`` says of a chain."""

    head: Link
    anchor: Link
    rows_before: int


class ChainSource:
    """One chain and the table that holds its rows."""

    def __init__(
        self, name: str, table: type[JobEventRow | OperatorLogEntry], mine: ColumnElement[bool], form: Form
    ) -> None:
        self.name = name
        self._table = table
        self._mine = mine
        self._form = form
        self._columns = [column for column in table.__table__.columns if column.name != "queue"]

    def state(self, tx: Session) -> ChainState:
        """Head and anchor; those of an empty chain if the table doesn't know it."""
        row = tx.execute(select(AuditChain).where(AuditChain.name == self.name)).scalar_one_or_none()
        if row is None:
            first = genesis(self.name)
            return ChainState(first, first, 0)
        return ChainState(Link(row.seq, row.hash), Link(row.anchor_seq, row.anchor_hash), row.rows_before)

    def rows(self, tx: Session, after: int, until: int | None, limit: int) -> list[ChainRow]:
        """At most ``limit`` rows whose number is greater than ``after``, at most ``until``."""
        seq: InstrumentedAttribute[Any] = self._table.chain_seq
        query = self._select().where(seq > after).order_by(seq).limit(limit)
        if until is not None:
            query = query.where(seq <= until)
        return [self._read(row) for row in tx.execute(query)]

    def newest(self, tx: Session) -> ChainRow | None:
        """The row with the highest number."""
        row = tx.execute(
            self._select().order_by(self._table.chain_seq.desc()).where(self._table.chain_seq > 0).limit(1)
        )
        found = row.first()
        return None if found is None else self._read(found)

    def outside(self, tx: Session) -> int:
        """How many rows have no place in the chain."""
        query = select(func.count()).select_from(self._table).where(self._mine, self._table.chain_seq.is_(None))
        return tx.scalar(query) or 0

    def newest_outside(self, tx: Session) -> str:
        """Which of them is the newest."""
        key: Sequence[InstrumentedAttribute[Any]] = (
            (JobEventRow.at_ms, JobEventRow.seq) if self._table is JobEventRow else (OperatorLogEntry.id,)
        )
        query = self._select().where(self._table.chain_seq.is_(None)).order_by(*(column.desc() for column in key))
        row = tx.execute(query.limit(1)).first()
        return "" if row is None else _place(row)

    def _select(self) -> Select[Any]:
        return select(*self._columns).where(self._mine)

    def _read(self, row: Row[Any]) -> ChainRow:
        return ChainRow(Link(row.chain_seq, bytes(row.chain_hash)), self._form(row._asdict()), _place(row))


def _place(row: Row[Any]) -> str:
    return f"entry {row.id}" if hasattr(row, "id") else f"event {row.at_ms}-{row.seq}"


def chain_sources() -> Iterator[ChainSource]:
    """The chain of each queue, then that of the operator log."""
    for queue in Queue:
        yield ChainSource(queue, JobEventRow, JobEventRow.queue == queue, event_form)
    yield ChainSource(OPERATOR_LOG, OperatorLogEntry, true(), entry_form)
