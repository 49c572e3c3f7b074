"""Rows that are created once and never changed: taken one by one, stored together, compared where they are there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sqlalchemy.orm import Session

from shared.database.base import Base
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
_N = TypeVar("_N")


class Batch(ABC, Generic[_R, _N]):
    """The rows of one call and what they refer to; new ones are kept by number until they are stored."""

    MODEL: ClassVar[type[Base]]

    def __init__(self, behind: Behind) -> None:
        self._behind = behind
        self._taken: dict[str, _N] = {}
        self._stored: tuple[dict[str, _N], Future[list[tuple[Any, ...]]]] | None = None
        self._missed: set[str] = set()

    @abstractmethod
    def take(self, row: _R, given: frozenset[str] | None) -> Outcome:
        """Compare a known row, keep a new one in ``_taken``; raises ``WrongRow``."""

    @abstractmethod
    def columns(self, new: _N) -> dict[str, Any]:
        """What is stored of a new row."""

    @abstractmethod
    def follow_up(self, new: dict[str, _N], ids: dict[str, int]) -> None:
        """Have stored what follows from these rows, whose keys are known now."""

    @abstractmethod
    def end(self) -> None:
        """Have stored what follows from all rows together."""

    def write(self) -> None:
        """Have the rows stored that were taken, and what follows from those before them."""
        new, self._taken = self._taken, {}
        columns = [self.columns(each) for each in new.values()]
        storing = self._behind.insert_missing(self.MODEL, columns, ("number", "id"))
        self._follow_up_the_last()
        self._stored = (new, storing)

    def finish(self) -> set[str]:
        """Have everything else stored; the numbers that somebody else has stored meanwhile."""
        self.write()
        self._follow_up_the_last()
        self.end()
        return self._missed

    def _follow_up_the_last(self) -> None:
        if self._stored is None:
            return
        new, storing = self._stored
        ids: dict[str, int] = dict(storing.result())
        self._missed |= new.keys() - ids.keys()
        self.follow_up({number: each for number, each in new.items() if number in ids}, ids)
        self._stored = None


OpenBatch = Callable[[Behind, Sequence[_R]], Batch[_R, Any]]


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
        missed = batch.finish()
    if missed:
        again = [index for index, row in enumerate(rows) if row.number in missed]
        some = None if given is None else [given[index] for index in again]
        for index, outcome in zip(again, store(tx, open_batch, [rows[index] for index in again], some), strict=True):
            outcomes[index] = outcome
    return outcomes
