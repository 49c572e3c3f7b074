"""Reading the bodies that ask for jobs; every wrong field and option is named at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from marshmallow import Schema, ValidationError, fields

from gateway.context import current_gateway
from gateway.errors import Errors, Problem, errors_of, invalid
from gateway.report_owners import check_owner
from gateway.schemas import AnyJobSchema, BulkSchema, OptionsSchema
from shared.broker.options import JobOptions, NewJob
from shared.errors import InvalidOption
from shared.messages import Message, schema_of

MAX_BULK = 1_000

# What these mean depends on the job's default key, which is not known while its data is wrong.
_DEPENDENT_OPTIONS = frozenset({"deduplicate", "deduplicationMode", "language"})
_NOT_AN_OBJECT = "must be a JSON object"


class JobRequest:
    """Reads ``{…fields of the message, options}`` into the job of that call of JobQueueService.

    ``options_only`` names fields of the message that the API takes as options.
    """

    def __init__(self, message: type[Message], *, options_only: tuple[str, ...] = ()) -> None:
        self._message = message
        self._options_only = options_only

    @cached_property
    def schema(self) -> Schema:
        """The message's fields and ``options``, for the OpenAPI document."""
        own = type(schema_of(self._message))
        return with_options(self._message.__name__, own)(exclude=self._options_only)

    def read(self, data: Any) -> NewJob:
        """The job, not enqueued yet. Raises Problem 422."""
        body, options = split_options(data)
        for name in self._options_only:
            if name in body:
                raise ValidationError({name: [f"belongs into the options, as options.{name}"]})
        try:
            return current_gateway().jobs.job_for(self._message, body, options)
        except ValidationError as error:
            raise invalid(errors_of(error) | wrong_options(options)) from error


def with_options(name: str, own: type[Schema]) -> type[Schema]:
    """``own`` and ``options``, for the OpenAPI document."""
    return type(f"{name}RequestSchema", (own,), {"options": fields.Nested(OptionsSchema, data_key="options")})


class AnyJobRequest:
    """Reads ``{name, data, options}``, the generic ``addJob``; the path says which queue it is for."""

    @cached_property
    def schema(self) -> Schema:
        """For the OpenAPI document."""
        return AnyJobSchema()

    def read(self, data: Any) -> dict[str, Any]:
        """The body as it came; ``any_job`` reads it."""
        return _object(data)


class BulkRequest:
    """Reads ``{jobs: [{name, data, options}, …]}`` with 1 to 1,000 jobs."""

    @cached_property
    def schema(self) -> Schema:
        """For the OpenAPI document."""
        return BulkSchema()

    def read(self, data: Any) -> list[Any]:
        """The jobs as they came; ``any_jobs`` reads them."""
        body = _object(data)
        if unknown := body.keys() - {"jobs"}:
            raise ValidationError({min(unknown): ["is not known here (known: jobs)"]})
        jobs = body.get("jobs")
        if not isinstance(jobs, list) or not 1 <= len(jobs) <= MAX_BULK:
            raise ValidationError({"jobs": [f"must be a list of 1 to {MAX_BULK} jobs"]})
        return jobs


def any_job(queue_key: str, data: Any) -> NewJob:
    """The job that ``{name, data, options}`` asks for, not enqueued yet. Raises Problem 422."""
    body, options = split_options(data)
    if unknown := body.keys() - {"name", "data"}:
        raise ValidationError({min(unknown): ["is not known here (known: name, data, options)"]})
    try:
        return check_owner(current_gateway().jobs.any_job(queue_key, body.get("name", ""), body.get("data"), options))
    except ValidationError as error:
        raise invalid(errors_of(error) | wrong_options(options)) from error


def any_jobs(queue_key: str, bodies: list[Any]) -> list[NewJob]:
    """The jobs of a bulk request, or one Problem 422 with the errors of all of them under ``jobs.<index>``."""
    jobs: list[NewJob] = []
    wrong: Errors = {}
    for index, body in enumerate(bodies):
        try:
            jobs.append(any_job(queue_key, body))
        except (ValidationError, InvalidOption, Problem) as error:
            wrong |= {f"jobs.{index}.{path}": messages for path, messages in errors_of(error).items()}
    if wrong:
        raise invalid(wrong)
    return jobs


def split_options(data: Any) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The body without its options, and the options. Raises ValidationError unless both are objects."""
    body = dict(_object(data))
    options = body.pop("options", None)
    if options is None:
        return body, {}
    if not isinstance(options, dict):
        raise ValidationError({"options": [_NOT_AN_OBJECT]})
    return body, options


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValidationError({"body": [_NOT_AN_OBJECT]})
    return data


def wrong_options(options: Mapping[str, Any]) -> Errors:
    """The error of the options by themselves, so that it is told together with the data's."""
    try:
        JobOptions.from_json({name: value for name, value in options.items() if name not in _DEPENDENT_OPTIONS})
    except InvalidOption as error:
        return errors_of(error)
    return {}
