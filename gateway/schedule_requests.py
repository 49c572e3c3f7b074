"""Reading the bodies of schedules: wrong times, zones and jobs are each named by their path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from marshmallow import Schema, ValidationError
from typing_extensions import override

from gateway.errors import Errors, Problem, errors_of, invalid
from gateway.housekeeping import FUNCTIONS
from gateway.job_requests import any_job
from gateway.schedule_schemas import DESCRIPTION_LENGTH, NewScheduleSchema, ScheduleDefinitionSchema
from shared.clock import BUSINESS_ZONE
from shared.errors import InvalidOption, ScheduleNotFound
from shared.messages import ContractSchema
from shared.messages.fields import Text, Value, Whole
from shared.schedules import Cron, Housekeeping, Interval, Schedule, ScheduledJob, Timing, time_zone
from shared.schedules.model import Work
from shared.schedules.timing import CRON_LENGTH, LONGEST_INTERVAL_MS, SHORTEST_INTERVAL_MS

ZONE_LENGTH = 64

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class WantedSchedule:
    """A checked definition: exactly one of ``cron`` and ``interval_ms``; ``id`` is empty where the path has it."""

    id: str
    description: str | None
    zone: str
    cron: Cron | None
    interval_ms: int | None
    work: Work

    def new(self, now: datetime, by: str) -> Schedule:
        """The schedule that doesn't exist yet; an interval counts from now."""
        timing = self._timing(now, None)
        return Schedule(self.id, timing, self.work, self.zone, now, by, now, by, self.description)

    def over(self, old: Schedule, now: datetime) -> dict[str, Any]:
        """What an edit replaces; an interval that stays as long as it was keeps its times."""
        return {
            "timing": self._timing(now, old.timing),
            "work": self.work,
            "zone": self.zone,
            "description": self.description,
        }

    def _timing(self, now: datetime, old: Timing | None) -> Timing:
        if self.cron is not None:
            return self.cron
        every_ms = self.interval_ms or LONGEST_INTERVAL_MS
        return old if isinstance(old, Interval) and old.every_ms == every_ms else Interval(every_ms, now)


class ScheduleId(Value[str]):
    """Lower-case letters, digits and hyphens: it stands in paths and in the ids of the runs' jobs."""

    @override
    def read(self, value: Any) -> str:
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise ValidationError("must be 1 to 64 lower-case letters, digits and hyphens, no hyphen at the ends")
        return value


class Zone(Value[str]):
    """A name of the time zone database."""

    @override
    def read(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > ZONE_LENGTH:
            raise ValidationError("must be the name of a time zone, such as Asia/Kathmandu")
        try:
            return time_zone(value).key
        except ValueError as error:
            raise ValidationError(str(error)) from error


class Expression(Text):
    """A cron expression, checked without its zone."""

    @override
    def read(self, value: Any) -> str:
        expression = super().read(value)
        try:
            return Cron(expression, BUSINESS_ZONE.key).expression
        except ValueError as error:
            raise ValidationError(str(error)) from error


class FunctionName(Value[str]):
    """A name in the registry of the housekeeping."""

    @override
    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in FUNCTIONS:
            nearest = get_close_matches(str(value)[:64], list(FUNCTIONS), n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise ValidationError(f"must be one of {', '.join(FUNCTIONS)}{hint}")
        return value


class JobBody(Value[ScheduledJob]):
    """``{queue, name, data, options}`` of a job that its queue accepts."""

    @override
    def read(self, value: Any) -> ScheduledJob:
        if not isinstance(value, dict):
            raise ValidationError("must be a JSON object")
        body = dict(value)
        queue = body.pop("queue", None)
        if not isinstance(queue, str):
            raise ValidationError({"queue": ["is required: the key of a queue, such as WHATSAPP"]})
        options = body.get("options")
        if isinstance(options, dict) and options.get("jobId") is not None:
            rule = "is not known here: the id of each run's job is made of the schedule and the time"
            raise ValidationError({"options": {"jobId": [rule]}})
        try:
            return ScheduledJob.of(any_job(queue, body))
        except (ValidationError, InvalidOption, Problem) as error:
            raise ValidationError(dict(errors_of(error))) from error


@dataclass(frozen=True, slots=True)
class _Definition:
    description: str | None
    time_zone: str
    cron: str | None
    interval: int | None
    job: ScheduledJob | None
    housekeeping: str | None
    id: str = ""


class _DefinitionSchema(ContractSchema):
    TARGET = _Definition
    description = Text(DESCRIPTION_LENGTH, required=False)
    time_zone = Zone(required=False, default=BUSINESS_ZONE.key)
    cron = Expression(CRON_LENGTH, required=False)
    interval = Whole(SHORTEST_INTERVAL_MS, LONGEST_INTERVAL_MS, required=False)
    job = JobBody(required=False)
    housekeeping = FunctionName(required=False)


class _NewSchema(_DefinitionSchema):
    id = ScheduleId()


class ScheduleRequest:
    """Reads a definition; ``is_new`` says whether the body has the id."""

    def __init__(self, *, is_new: bool) -> None:
        self._is_new = is_new

    @cached_property
    def schema(self) -> Schema:
        """For the OpenAPI document."""
        return NewScheduleSchema() if self._is_new else ScheduleDefinitionSchema()

    @cached_property
    def _reader(self) -> ContractSchema:
        return _NewSchema() if self._is_new else _DefinitionSchema()

    def read(self, data: Any) -> WantedSchedule:
        """The definition. Raises ValidationError or Problem 422."""
        read: _Definition = self._reader.read(data)
        wrong: Errors = {}
        if (read.cron is None) == (read.interval is None):
            wrong["cron"] = ["must be given, or interval, and not both"]
        if (read.job is None) == (read.housekeeping is None):
            wrong["job"] = ["must be given, or housekeeping, and not both"]
        if wrong:
            raise invalid(wrong)
        cron = None if read.cron is None else Cron(read.cron, read.time_zone)
        work: Work = read.job if read.job is not None else Housekeeping(read.housekeeping or "")
        return WantedSchedule(read.id, read.description, read.time_zone, cron, read.interval, work)


def schedule_in_path(schedule_id: str) -> str:
    """The id in a path, fit for the operator log. Raises ScheduleNotFound for what no schedule can be called."""
    if not _ID.fullmatch(schedule_id):
        raise ScheduleNotFound(f"No schedule has the id {schedule_id[:64]!r}")
    return schedule_id
