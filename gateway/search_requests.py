"""What those who look for jobs send: filters, stretches of time, what they have typed so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import ValidationError
from typing_extensions import override

from gateway.operator_requests import CURSOR_LENGTH, MAX_PAGE, FilterText, QueryWhole, QueueKey
from shared.job_filter import MAX_LENGTH, JobFilter
from shared.job_filter_values import canonical, first_ms
from shared.messages import ContractSchema
from shared.messages.contact_fields import Instant
from shared.messages.fields import Text, Value
from shared.queues import Queue

MOST_BUCKETS = 500
LONGEST_ACTIVITY_MINUTES = 1_440
_DEFAULT_STRETCH = timedelta(hours=1)


def now_ms() -> int:
    """The gateway's clock, epoch ms."""
    return int(datetime.now(UTC).timestamp() * 1000)


class TimeText(Value[str]):
    """A span before now, a day or an instant, as the filter's ``since``."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "string", "example": "24h"}

    @override
    def read(self, value: Any) -> str:
        try:
            return canonical("since", str(value))
        except ValueError as error:
            raise ValidationError(str(error)) from error


@dataclass(frozen=True, slots=True)
class HistogramRequest:
    """Which jobs, from when to when, in how many stretches."""

    filter: JobFilter | None
    from_: datetime | None
    to: datetime | None
    buckets: int

    @property
    def bounds_ms(self) -> tuple[int, int]:
        """Both ends, epoch ms; the last hour if none is given. Raises ValidationError for a start after the end."""
        to = self.to or datetime.now(UTC)
        start = self.from_ or to - _DEFAULT_STRETCH
        if start >= to:
            raise ValidationError({"from": ["must lie before to"]})
        return int(start.timestamp() * 1000), int(to.timestamp() * 1000)


class HistogramRequestSchema(ContractSchema):
    """``?filter&from&to&buckets``."""

    TARGET = HistogramRequest
    filter = FilterText(required=False)
    from_ = Instant(required=False, data_key="from")
    to = Instant(required=False)
    buckets = QueryWhole(1, MOST_BUCKETS, required=False, default=60)


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the filter bar up to the cursor."""

    prefix: str


class TypedSchema(ContractSchema):
    """``?prefix``."""

    TARGET = Typed
    prefix = Text(MAX_LENGTH, required=False, default="")


@dataclass(frozen=True, slots=True)
class FailuresRequest:
    """Failures of which queue, since when."""

    queue: Queue | None
    since: str
    limit: int

    @property
    def since_ms(self) -> int:
        """``since`` as epoch ms."""
        return first_ms(self.since, now_ms())


class FailuresRequestSchema(ContractSchema):
    """``?queue&since&limit``."""

    TARGET = FailuresRequest
    queue = QueueKey(required=False)
    since = TimeText(required=False, default="1d")
    limit = QueryWhole(1, 100, required=False, default=50)


@dataclass(frozen=True, slots=True)
class StoryRequest:
    """Where to go on in the story of a subject."""

    cursor: str | None
    limit: int


class StoryRequestSchema(ContractSchema):
    """``?cursor&limit``."""

    TARGET = StoryRequest
    cursor = Text(CURSOR_LENGTH, required=False)
    limit = QueryWhole(1, MAX_PAGE, required=False, default=50)


@dataclass(frozen=True, slots=True)
class ActivityRequest:
    """How far back."""

    minutes: int


class ActivityRequestSchema(ContractSchema):
    """``?minutes``."""

    TARGET = ActivityRequest
    minutes = QueryWhole(1, LONGEST_ACTIVITY_MINUTES, required=False, default=60)
