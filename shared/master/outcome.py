"""What became of one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

Given = Sequence[frozenset[str]]
"""For each row the names of the columns that its file has; a column that isn't there changes nothing."""


class Result(StrEnum):
    """What became of a row; a WRONG one is not stored."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one row; a WRONG one has the field (as in the row's class) and why, in words.

    ``retailer`` is the code of the retailer whose score the row may have moved, None if there is none.
    """

    result: Result
    retailer: str | None = None
    field: str | None = None
    words: str | None = None

    def about(self, retailer: str) -> Outcome:
        """The same, of this retailer's, if it changed anything."""
        return Outcome(self.result, retailer) if self.result in {Result.CREATED, Result.UPDATED} else self


UNCHANGED = Outcome(Result.UNCHANGED)


class WrongRow(Exception):
    """A row that can't be stored: its field and why, in words."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(f"{field}: {words}")
        self.field = field
        self.words = words

    def outcome(self) -> Outcome:
        """As the row's outcome."""
        return Outcome(Result.WRONG, field=self.field, words=self.words)
