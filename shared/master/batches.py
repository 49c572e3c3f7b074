"""Rows that are created once and never changed: taken one by one, stored together, compared where they are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from shared.database.behind import Behind
from shared.master.outcome import Given, Outcome, WrongRow


class Numbered(Protocol):
    """A row that its number names for ever."""

    @property
    def number(self) -> str:
        """The order's or payment's number."""


PART = 500
"""Rows that are stored while as many are taken."""

_R = TypeVar("_R", bound=Numbered)
_Taken_contra = TypeVar("_Taken_contra", bound=Numbered, contravariant=True)


class Batch(Protocol[_Taken_contra]):
    """The rows of one call and what they refer to."""

    def take(self, row: _Taken_contra, given: frozenset[str] | None) -> Outcome:
        """Compare a known row, keep a new one for ``write``; raises ``WrongRow``."""

    def write(self) -> None:
        """Have the new rows stored that were taken since the last call."""

    def finish(self) -> set[str]:
        """Have everything stored that follows from the rows; the numbers that somebody else has stored meanwhile."""


OpenBatch = Callable[[Behind, Sequence[_R]], Batch[_R]]


def store(tx: Session, open_batch: OpenBatch[_R], rows: Sequence[_R], given: Given | None) -> list[Outcome]:
    """Store the rows; what another transaction stores in the same moment is compared with, as if it had been there.

    A part of the rows is stored while the next is taken.
    """
    outcomes: list[Outcome] = []
    with Behind(tx) as behind:
        batch = open_batch(behind, rows)
        part = PART if behind.is_ahead else len(rows)
        for index, row in enumerate(rows, start=1):
            try:
                outcomes.append(batch.take(row, None if given is None else given[index - 1]))
            except WrongRow as error:
                outcomes.append(error.outcome())
            if index % part == 0:
                batch.write()
        batch.write()
        missed = batch.finish()
    if missed:
        again = [index for index, row in enumerate(rows) if row.number in missed]
        some = None if given is None else [given[index] for index in again]
        for index, outcome in zip(again, store(tx, open_batch, [rows[index] for index in again], some), strict=True):
            outcomes[index] = outcome
    return outcomes
