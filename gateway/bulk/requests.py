"""What operators send about bulk operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, validates_schema
from typing_extensions import override

from gateway.operator_requests import MAX_PAGE, REASON_LENGTH, FilterText, QueryWhole, QueueKey
from shared.database.models import BulkAction
from shared.job_filter import JobFilter
from shared.messages import ContractSchema
from shared.messages.fields import Choice, Flag, Text, Value, Whole
from shared.queues import Queue

FASTEST_PER_MINUTE = 100_000
DEFAULT_ERROR_RATE = 0.5


class Share(Value[float]):
    """A number from 0 to 1."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "number", "minimum": 0, "maximum": 1, "example": DEFAULT_ERROR_RATE}

    @override
    def read(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ValidationError("must be a number from 0 to 1")
        return float(value)


@dataclass(frozen=True, slots=True)
class BulkOrder:
    """What is to be done to which jobs, how fast, and when to stop."""

    action: BulkAction
    filter: JobFilter
    dry_run: bool
    per_minute: int | None
    max_error_rate: float
    queue: Queue | None
    reason: str


class BulkOrderSchema(ContractSchema):
    """``{action, filter, dryRun?, perMinute?, maxErrorRate?, queue? (of a move), reason}``."""

    TARGET = BulkOrder
    action = Choice(BulkAction)
    filter = FilterText()
    dry_run = Flag(required=False, default=False)
    per_minute = Whole(1, FASTEST_PER_MINUTE, required=False)
    max_error_rate = Share(required=False, default=DEFAULT_ERROR_RATE)
    queue = QueueKey(required=False)
    reason = Text(REASON_LENGTH)

    @validates_schema(skip_on_field_errors=True)
    def check_target(self, values: dict[str, Any], **_: Any) -> None:
        """A move says where to; nothing else does."""
        if (values["action"] is BulkAction.MOVE) != (values["queue"] is not None):
            rule = "is required: where to move the jobs" if values["queue"] is None else "is only for the action move"
            raise ValidationError(rule, "queue")


@dataclass(frozen=True, slots=True)
class OperationsPage:
    """Where to go on in the list of operations."""

    before: int | None
    limit: int


class OperationsPageSchema(ContractSchema):
    """``?before&limit``: operations with lower ids than ``before``."""

    TARGET = OperationsPage
    before = QueryWhole(1, 2**53, required=False)
    limit = QueryWhole(1, MAX_PAGE, required=False, default=50)
