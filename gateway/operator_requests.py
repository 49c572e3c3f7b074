"""What operators send: ranges, pages, grace periods, reasons. Query values arrive as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from marshmallow import Schema, ValidationError
from typing_extensions import override

from gateway.errors import Problem
from shared.broker.states import State
from shared.job_filter import MAX_LENGTH, InvalidFilter, JobFilter, Key, Term, parse_filter
from shared.messages import ContractSchema
from shared.messages.contact_fields import Instant
from shared.messages.fields import Choice, Text, Value, Whole
from shared.queues import Queue

MAX_PAGE = 200
HIGHEST_INDEX = 10_000_000
MAX_GRACE_HOURS = 24 * 366
REASON_LENGTH = 500
CURSOR_LENGTH = 200


class Reader:
    """Reads a body or query with a contract schema."""

    def __init__(self, schema: type[ContractSchema]) -> None:
        self._class = schema

    @cached_property
    def schema(self) -> Schema:
        """For the OpenAPI document."""
        return self._reader

    @cached_property
    def _reader(self) -> ContractSchema:
        return self._class()

    def read(self, data: Any) -> Any:
        """An instance of the schema's target. Raises ValidationError."""
        return self._reader.read(data)


class QueryWhole(Whole):
    """A whole number written as text."""

    @override
    def read(self, value: Any) -> int:
        return super().read(int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value)


class QueryFlag(Value[bool]):
    """``true`` or ``false`` written as text."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "boolean"}

    @override
    def read(self, value: Any) -> bool:
        if value not in {"true", "false"}:
            raise ValidationError("must be true or false")
        return bool(value == "true")


class GraceHours(Value[float]):
    """Hours, fractions allowed."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "number", "minimum": 0, "maximum": MAX_GRACE_HOURS, "example": 24}

    @override
    def read(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_GRACE_HOURS:
            raise ValidationError(f"must be a number of hours from 0 to {MAX_GRACE_HOURS}")
        return float(value)


class QueueKey(Value[Queue]):
    """A queue's key."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(Queue.__members__)}

    @override
    def read(self, value: Any) -> Queue:
        found = Queue.__members__.get(str(value).upper())
        if found is None:
            raise ValidationError(f"must be one of {', '.join(Queue.__members__)}{_hint(str(value))}")
        return found


@dataclass(frozen=True, slots=True)
class Range:
    """Places in a list, both included."""

    start: int
    end: int

    @property
    def last(self) -> int:
        """``end``, or where a page of MAX_PAGE jobs ends."""
        return min(self.end, self.start + MAX_PAGE - 1)


class RangeSchema(ContractSchema):
    """``?start&end``, both included, as the requirement shows it; a page holds at most 200 jobs."""

    TARGET = Range
    start = QueryWhole(0, HIGHEST_INDEX, required=False, default=0)
    end = QueryWhole(0, HIGHEST_INDEX, required=False, default=10)


class FilterText(Value[JobFilter]):
    """A filter of jobs (``shared/job_filter.py``)."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": MAX_LENGTH, "example": "state:failed retailer:RET001 since:1h"}

    @override
    def read(self, value: Any) -> JobFilter:
        try:
            return parse_filter(str(value))
        except InvalidFilter as error:
            raise ValidationError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Listing:
    """Which jobs, and where to go on."""

    filter: JobFilter | None
    queue: Queue | None
    state: State | None
    cursor: str | None
    limit: int

    @property
    def wanted(self) -> JobFilter | None:
        """The filter with the queue and the state as terms of it; None without a filter.

        Raises ValidationError if one of them stands in the filter too.
        """
        if self.filter is None:
            return None
        terms = list(self.filter.terms)
        for key, value in ((Key.QUEUE, self.queue and self.queue.name), (Key.STATE, self.state and self.state.value)):
            if value is None:
                continue
            if self.filter.wanted(key):
                raise ValidationError({key.value: ["stands in the filter too: say it in one place"]})
            terms.append(Term(key, (value,)))
        return JobFilter(tuple(terms))


class ListingSchema(ContractSchema):
    """``?filter&queue&state&cursor&limit``."""

    TARGET = Listing
    filter = FilterText(required=False)
    queue = QueueKey(required=False)
    state = Choice(State, required=False)
    cursor = Text(CURSOR_LENGTH, required=False)
    limit = QueryWhole(1, MAX_PAGE, required=False, default=50)


@dataclass(frozen=True, slots=True)
class Reveal:
    """Whether to show personal data."""

    reveal: bool


class RevealSchema(ContractSchema):
    """``?reveal=true`` shows personal data, to those who may, and leaves an entry in the operator log."""

    TARGET = Reveal
    reveal = QueryFlag(required=False, default=False)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an operator does it."""

    reason: str | None


class ReasonSchema(ContractSchema):
    """``{reason?}``."""

    TARGET = Reason
    reason = Text(REASON_LENGTH, required=False)


@dataclass(frozen=True, slots=True)
class Pause:
    """Why, and until when (for ever if absent)."""

    reason: str | None
    until: datetime | None

    @property
    def until_ms(self) -> int | None:
        """``until`` as epoch milliseconds."""
        return None if self.until is None else int(self.until.timestamp() * 1000)


class FutureInstant(Instant):
    """An instant that is still to come."""

    @override
    def read(self, value: Any) -> datetime:
        instant = super().read(value)
        if instant <= datetime.now(UTC):
            raise ValidationError("must lie in the future")
        return instant


class PauseSchema(ContractSchema):
    """``{reason?, until?}``."""

    TARGET = Pause
    reason = Text(REASON_LENGTH, required=False)
    until = FutureInstant(required=False)


@dataclass(frozen=True, slots=True)
class Clean:
    """How long finished jobs stay; failed ones stay seven times as long."""

    grace_period_hours: float


class CleanSchema(ContractSchema):
    """``{gracePeriodHours}``."""

    TARGET = Clean
    grace_period_hours = GraceHours()


def queue_in_path(key: str) -> Queue:
    """The queue of a path. Raises Problem 404 that lists the queues and names the nearest."""
    found = Queue.__members__.get(key.upper())
    if found is None:
        known = ", ".join(Queue.__members__)
        raise Problem(404, f"No queue has the key {key[:64]!r}{_hint(key)} (known: {known})", code="unknown_queue")
    return found


def _hint(key: str) -> str:
    nearest = get_close_matches(key[:64].upper().replace("-", "_"), list(Queue.__members__), n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""
