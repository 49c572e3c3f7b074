"""Whether the audit is as it was written: follows each hash chain and names the first row that doesn't fit.

It reads some rows at a time, so memory stays flat; rows that are added or removed by retention meanwhile do no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.database.chain_sources import ChainRow, ChainSource, ChainState, chain_sources
from shared.database.chains import Link, following
from shared.database.session import Database

BATCH = 2_000
LOOK_AHEAD = 5_000
"""How far a row that stands where another belongs is looked for."""

Progress = Callable[[str, int], None]
"""Told the chain's name and how many of its rows were checked so far."""


class Wrong(StrEnum):
    """What can be wrong with a row."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    OUT_OF_ORDER = "out of order"


@dataclass(frozen=True, slots=True)
class Finding:
    """The first row that doesn't fit: ``place`` is its stream id or its id in the operator log."""

    what: Wrong
    place: str
    seq: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was found of one chain: ``checked`` rows after number ``after``, up to the head."""

    name: str
    after: int
    checked: int
    head: Link
    rows_before: int
    finding: Finding | None
    note: str = ""


def check_chains(
    database: Database,
    *,
    last: int | None = None,
    kept: Mapping[str, Link] | None = None,
    progress: Progress | None = None,
) -> list[ChainReport]:
    """Check every chain, or the ``last`` rows of each; compare with the heads that somebody kept.

    Raises what SQLAlchemy raises when the database can't be read.
    """
    return [
        ChainCheck(database, source, last=last, kept=(kept or {}).get(source.name), progress=progress).run()
        for source in chain_sources()
    ]


def heads(database: Database) -> dict[str, Link]:
    """The head of every chain."""
    with database.reader() as tx:
        return {source.name: source.state(tx).head for source in chain_sources()}


class ChainCheck:
    """One walk along a chain."""

    def __init__(
        self,
        database: Database,
        source: ChainSource,
        *,
        last: int | None = None,
        kept: Link | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._database = database
        self._source = source
        self._last = last
        self._kept = kept
        self._progress = progress
        self._checked = 0
        self._note = ""
        # The row before the last one that fitted: what an inserted row would follow.
        self._before: Link | None = None

    def run(self) -> ChainReport:
        """Walk from the anchor, or from ``last`` rows before the head, to the head."""
        with self._database.reader() as tx:
            state = self._source.state(tx)
        start, finding = self._start(state)
        finding = finding or self._kept_too_new(state) or self._walk(start, state) or self._beside(state)
        return ChainReport(
            self._source.name, start.seq, self._checked, state.head, state.rows_before, finding, self._note
        )

    def _start(self, state: ChainState) -> tuple[Link, Finding | None]:
        if self._last is None or state.head.seq - self._last <= state.anchor.seq:
            return state.anchor, None
        seq = state.head.seq - self._last
        with self._database.reader() as tx:
            rows = self._source.rows(tx, seq - 1, seq, 1)
        if rows:
            return rows[0].link, None
        return Link(seq, b""), Finding(Wrong.MISSING, f"row {seq} of the chain", seq)

    def _kept_too_new(self, state: ChainState) -> Finding | None:
        if self._kept is None:
            return None
        if self._kept.seq > state.head.seq:
            detail = f"the head that was kept is number {self._kept.seq}: the end of the chain was cut off"
            return Finding(Wrong.MISSING, f"what followed row {state.head.seq}", state.head.seq + 1, detail)
        if self._kept.seq < state.anchor.seq:
            self._note = f"the head that was kept is number {self._kept.seq}, which retention has removed"
        return None

    def _walk(self, at: Link, state: ChainState) -> Finding | None:
        place = "the beginning"
        while at.seq < state.head.seq:
            if finding := self._not_as_kept(at, place):
                return finding
            with self._database.reader() as tx:
                rows = self._source.rows(tx, at.seq, state.head.seq, BATCH)
                anchor = self._source.state(tx).anchor
            if anchor.seq > at.seq:
                # Retention came by and removed what was to be checked next.
                at, self._before, place = anchor, None, "the anchor"
                continue
            if not rows:
                return Finding(Wrong.MISSING, f"what followed {place}", at.seq + 1, f"up to {state.head.seq}, the head")
            for row in rows:
                finding = self._fit(at, place, row)
                if finding is not None:
                    return finding
                self._before, at, place = at, row.link, row.place
                self._checked += 1
                if finding := self._not_as_kept(at, place):
                    return finding
            if self._progress is not None:
                self._progress(self._source.name, self._checked)
        if at != state.head:
            return Finding(Wrong.CHANGED, place, at.seq, "its hash is not the one that the chain's head says")
        return self._not_as_kept(at, place)

    def _fit(self, at: Link, place: str, row: ChainRow) -> Finding | None:
        seq = at.seq + 1
        if row.link.seq != seq:
            count = row.link.seq - seq
            return Finding(Wrong.MISSING, f"between {place} and {row.place}", seq, f"rows missing: {count}")
        if following(at, row.form) == row.link:
            return None
        with self._database.reader() as tx:
            following_rows = self._source.rows(tx, row.link.seq, None, LOOK_AHEAD)
        return Finding(*_diagnosis(self._before, at, place, row, following_rows), seq)

    def _not_as_kept(self, at: Link, place: str) -> Finding | None:
        if self._kept is None or at.seq != self._kept.seq or at.hash == self._kept.hash:
            return None
        return Finding(
            Wrong.CHANGED, place, at.seq, "its hash is not the one that was kept: the chain was written anew"
        )

    def _beside(self, state: ChainState) -> Finding | None:
        """Rows that stand in the table but not in the chain."""
        with self._database.reader() as tx:
            # In this order: what is archived in between moves the head, and must not look like a row behind it.
            newest = self._source.newest(tx)
            head = self._source.state(tx).head
            outside = 0 if self._last is not None else self._source.outside(tx)
            if outside > state.rows_before:
                detail = f"rows outside the chain: {outside}, {state.rows_before} of them older than it"
                return Finding(Wrong.INSERTED, self._source.newest_outside(tx), 0, detail)
        if newest is not None and newest.link.seq > head.seq:
            return Finding(Wrong.INSERTED, newest.place, newest.link.seq, "it stands behind the chain's head")
        return None


def _diagnosis(
    before: Link | None, at: Link, place: str, row: ChainRow, others: Sequence[ChainRow]
) -> tuple[Wrong, str]:
    """What happened to ``row``, which doesn't follow ``at``, which follows ``before``; ``others`` come later."""
    for index, other in enumerate(others):
        link = following(at, other.form)
        if link.hash == row.link.hash:
            return Wrong.OUT_OF_ORDER, row.place
        if link.hash == other.link.hash:
            is_next = index == 0 and following(link, row.form).hash != row.link.hash
            return Wrong.INSERTED if is_next else Wrong.OUT_OF_ORDER, row.place
    if before is not None and following(before, row.form).hash == row.link.hash:
        return Wrong.INSERTED, place
    return Wrong.CHANGED, row.place
