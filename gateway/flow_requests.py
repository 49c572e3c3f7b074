"""Reading the body that asks for a flow: a chain, or jobs that name those they wait for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, NoReturn

from marshmallow import Schema, ValidationError, fields, validate

from gateway.errors import Errors, Problem, errors_of, invalid
from gateway.job_requests import any_job
from gateway.schemas import AnyJobSchema
from shared.broker.options import NewJob
from shared.errors import InvalidOption
from shared.flows import MAX_JOBS, FlowStep, InvalidFlow, OnFailure, check
from shared.queues import Queue

NAME_LENGTH = 128
_OF_STEP = frozenset({"key", "queue", "dependsOn", "onDependencyFailure"})
_OF_FLOW = ("chain", "jobs", "name")


class ChainedJobSchema(AnyJobSchema):
    """A job of a chain; it waits for the one before it."""

    key = fields.String(validate=validate.Length(1, 40), metadata={"description": "default: its number, from 1"})
    queue = fields.String(required=True, validate=validate.OneOf(list(Queue.__members__)))
    onDependencyFailure = fields.String(validate=validate.OneOf([each.value for each in OnFailure]))  # noqa: N815 - the API's


class FlowJobSchema(ChainedJobSchema):
    """A job of a flow; ``dependsOn`` are the keys of the jobs that it waits for."""

    key = fields.String(required=True, validate=validate.Length(1, 40))
    dependsOn = fields.List(fields.String())  # noqa: N815 - the API's own name


class FlowBodySchema(Schema):
    """Either ``chain`` or ``jobs``."""

    name = fields.String(validate=validate.Length(1, NAME_LENGTH), allow_none=True)
    chain = fields.List(fields.Nested(ChainedJobSchema), validate=validate.Length(1, MAX_JOBS))
    jobs = fields.List(fields.Nested(FlowJobSchema), validate=validate.Length(1, MAX_JOBS))


@dataclass(frozen=True, slots=True)
class FlowBody:
    """A flow as it was asked for; ``field`` is ``chain`` or ``jobs``."""

    name: str | None
    field: str
    jobs: list[Any]


class FlowRequest:
    """Reads ``{name?, chain}`` or ``{name?, jobs}``."""

    @cached_property
    def schema(self) -> Schema:
        """For the OpenAPI document."""
        return FlowBodySchema()

    def read(self, data: Any) -> FlowBody:
        """The body; ``steps_of`` reads its jobs. Raises ValidationError."""
        if not isinstance(data, dict):
            _refuse("body", "must be a JSON object")
        if unknown := data.keys() - set(_OF_FLOW):
            _refuse(min(unknown), f"is not known here (known: {', '.join(_OF_FLOW)})")
        given = [field for field in ("chain", "jobs") if data.get(field) is not None]
        if len(given) != 1:
            _refuse("jobs", "must be given, or chain in its place: exactly one of the two")
        name, (field,) = data.get("name"), given
        if name is not None and (
            not isinstance(name, str) or not 1 <= len(name) <= NAME_LENGTH or not name.isprintable()
        ):
            _refuse("name", f"must be 1 to {NAME_LENGTH} printable characters")
        jobs = data[field]
        if not isinstance(jobs, list) or not 1 <= len(jobs) <= MAX_JOBS:
            _refuse(field, f"must be a list of 1 to {MAX_JOBS} jobs")
        return FlowBody(name, field, jobs)


def steps_of(body: FlowBody) -> list[FlowStep]:
    """The steps of a flow, checked; one Problem 422 with everything that is wrong, at ``jobs.<index>.<field>``."""
    steps: list[FlowStep] = []
    wrong: Errors = {}
    for index, item in enumerate(body.jobs):
        try:
            before = steps[-1].key if steps else None
            steps.append(_step(item, index, before if body.field == "chain" else None, is_chain=body.field == "chain"))
        except (ValidationError, InvalidOption, Problem) as error:
            wrong |= {f"{body.field}.{index}.{path}": messages for path, messages in errors_of(error).items()}
    if wrong:
        raise invalid(wrong)
    try:
        check(steps)
    except InvalidFlow as error:
        raise invalid({path.replace("jobs", body.field, 1): text for path, text in errors_of(error).items()}) from error
    return steps


def _step(item: Any, index: int, before: str | None, *, is_chain: bool) -> FlowStep:
    if not isinstance(item, dict):
        _refuse("body", "must be a JSON object")
    key = item.get("key", str(index + 1) if is_chain else None)
    wrong: Errors = {}
    if not isinstance(key, str):
        wrong["key"] = ["is required, a text: other jobs name this one by it"]
    depends_on = item.get("dependsOn")
    if is_chain and depends_on is not None:
        wrong["dependsOn"] = ["has no place in a chain, where each job waits for the one before; use jobs"]
    elif depends_on is not None and not _are_keys(depends_on):
        wrong["dependsOn"] = [f"must be a list of at most {MAX_JOBS} keys"]
    on_failure = item.get("onDependencyFailure", OnFailure.FAIL)
    if on_failure not in set(OnFailure):
        nearest = get_close_matches(str(on_failure), list(OnFailure), n=1)
        hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
        wrong["onDependencyFailure"] = [f"must be one of {', '.join(OnFailure)}{hint}"]
    try:
        job = _job(item)
    except (ValidationError, InvalidOption, Problem) as error:
        raise invalid(wrong | errors_of(error)) from error
    if wrong:
        raise invalid(wrong)
    keys = ([before] if before is not None else []) if is_chain else depends_on or []
    return FlowStep(str(key), job, tuple(keys), OnFailure(on_failure))


def _job(item: Mapping[str, Any]) -> NewJob:
    queue = item.get("queue")
    if not isinstance(queue, str):
        _refuse("queue", f"is required: one of {', '.join(Queue.__members__)}")
    return any_job(queue.upper(), {name: value for name, value in item.items() if name not in _OF_STEP})


def _are_keys(value: object) -> bool:
    return isinstance(value, list) and len(value) <= MAX_JOBS and all(isinstance(each, str) for each in value)


def _refuse(field: str, rule: str) -> NoReturn:
    raise ValidationError({field: [rule]})
