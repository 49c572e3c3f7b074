"""Rows that are created once and never changed: taken one by one, stored together, compared where they are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from shared.master.outcome import Given, Outcome, WrongRow


class Numbered(Protocol):
    """A row that its number names for ever."""

    @property
    def number(self) -> str:
        """The order's or payment's number."""


_R = TypeVar("_R", bound=Numbered)
_Taken_contra = TypeVar("_Taken_contra", bound=Numbered, contravariant=True)


class Batch(Protocol[_Taken_contra]):
    """The rows of one call and what they refer to."""

    def take(self, row: _Taken_contra, given: frozenset[str] | None) -> Outcome:
        """Compare a known row, keep a new one for ``write``; raises ``WrongRow``."""

    def write(self) -> set[str]:
        """Store the new rows; the numbers that somebody else has stored meanwhile."""


def store(open_batch: Callable[[Sequence[_R]], Batch[_R]], rows: Sequence[_R], given: Given | None) -> list[Outcome]:
    """Store the rows; what another transaction stores in the same moment is compared with, as if it had been there."""
    batch = open_batch(rows)
    outcomes: list[Outcome] = []
    for index, row in enumerate(rows):
        try:
            outcomes.append(batch.take(row, None if given is None else given[index]))
        except WrongRow as error:
            outcomes.append(error.outcome())
    missed = batch.write()
    if missed:
        again = [index for index, row in enumerate(rows) if row.number in missed]
        some = None if given is None else [given[index] for index in again]
        for index, outcome in zip(again, store(open_batch, [rows[index] for index in again], some), strict=True):
            outcomes[index] = outcome
    return outcomes
