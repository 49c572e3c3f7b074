"""Every error answer of the API, in one shape: ``{success, message, code, errors, requestId}``.

Routes catch nothing: what they raise ends up here. Nothing answers HTML, and no answer holds a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import redis
from flask import Flask, Response
from marshmallow import ValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, RequestEntityTooLarge

from gateway.answers import json_response
from gateway.context import current_request_id
from gateway.rate_limit import words_of_refusal
from shared import errors
from shared.broker.connection import UNREACHABLE
from shared.job_listing import InvalidCursor
from shared.master.draft_rules import DraftRefused, NoDraft
from shared.messages.fields import camel_case
from shared.storage import StorageUnavailable

Errors = dict[str, list[str]]
"""Messages by the path of the field: ``{"data.items.0.quantity": ["must be more than 0"]}``."""

RETRY_AFTER_S = 1
"""When a client may try again after a 503: Redis and the database come back by themselves."""

_CODES = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "rate_limited",
    500: "internal",
    503: "unavailable",
}


@dataclass
class Problem(Exception):
    """An answer other than success, raised from anywhere below a route."""

    status: int
    message: str
    errors: Errors = field(default_factory=dict)
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The answer with the request's id."""
        body = {
            "success": False,
            "message": self.message,
            "code": self.code or _CODES.get(self.status) or HTTPStatus(self.status).name.lower(),
            "errors": self.errors,
            "requestId": current_request_id(),
        }
        return json_response(body, self.status, self.headers)


def invalid(field_errors: Errors) -> Problem:
    """A 422 whose message already says what is wrong with the first field."""
    path, messages = next(iter(field_errors.items()))
    more = f" (and {len(field_errors) - 1} more)" if len(field_errors) > 1 else ""
    return Problem(422, f"{path} {messages[0]}{more}", field_errors)


def errors_of(error: Exception) -> Errors:
    """The errors by path in a ValidationError, an InvalidOption (under ``options``) or a Problem."""
    if isinstance(error, ValidationError):
        return by_path(error.normalized_messages())  # type: ignore[no-untyped-call]
    if isinstance(error, errors.InvalidOption):
        return {f"options.{error.field}": [str(error).removeprefix(f"{error.field} ")]}
    return error.errors if isinstance(error, Problem) else {}


def by_path(messages: Any, path: str = "") -> Errors:
    """Nested marshmallow messages as ``Errors``."""
    found: Errors = {}
    for where, text in _walk(messages, path):
        found.setdefault(where or "body", []).append(text)
    return found


def _walk(messages: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            # `_schema` is marshmallow's word for the object as a whole.
            step = "" if key == "_schema" else str(key)
            yield from _walk(inner, ".".join(part for part in (path, step) if part))
        return
    for text in messages if isinstance(messages, list | tuple) else [messages]:
        yield path, str(text)


def install(app: Flask) -> None:
    """Give every kind of error its answer."""
    app.register_error_handler(Problem, Problem.response)
    app.register_error_handler(HTTPException, _from_http)
    for refusal in (ValidationError, errors.InvalidOption):
        app.register_error_handler(refusal, lambda error: invalid(errors_of(error)).response())
    app.register_error_handler(errors.IdempotencyConflict, _idempotency_conflict)
    app.register_error_handler(
        errors.JobNotFound, lambda error: Problem(404, str(error), code="job_not_found").response()
    )
    app.register_error_handler(errors.WrongState, lambda error: Problem(409, str(error), code="wrong_state").response())
    app.register_error_handler(
        errors.ScheduleNotFound, lambda error: Problem(404, str(error), code="schedule_not_found").response()
    )
    app.register_error_handler(
        errors.ScheduleConflict, lambda error: Problem(409, str(error), code="schedule_conflict").response()
    )
    app.register_error_handler(
        errors.FlowNotFound, lambda error: Problem(404, str(error), code="flow_not_found").response()
    )
    app.register_error_handler(
        errors.WorkerNotFound, lambda error: Problem(404, str(error), code="worker_not_found").response()
    )
    app.register_error_handler(DraftRefused, _draft_refused)
    app.register_error_handler(NoDraft, _no_draft)
    app.register_error_handler(errors.DeduplicationKeyTaken, _key_taken)
    app.register_error_handler(errors.ClientLimitExceeded, _limited)
    app.register_error_handler(
        InvalidCursor, lambda _: invalid({"cursor": ["is not one that a page returned"]}).response()
    )
    app.register_error_handler(StorageUnavailable, lambda error: _away(str(error), "storage_unavailable"))
    app.register_error_handler(errors.QueueFull, lambda error: _away(str(error), "queue_full"))
    app.register_error_handler(errors.NotReplicated, _not_replicated)
    for kind in _unique((errors.RedisUnavailable, redis.exceptions.RedisError, *UNREACHABLE)):
        if kind is not OSError:  # an OSError of anything else is a defect of ours
            app.register_error_handler(kind, _redis_away)
    for database_error in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(database_error, _database_away)


def _unique(kinds: Iterable[type[Exception]]) -> list[type[Exception]]:
    return list(dict.fromkeys(kinds))


def _from_http(error: HTTPException) -> Response:
    """Werkzeug's errors: no route, wrong method, too large, and what nobody expected (500)."""
    status = error.code or 500
    headers: dict[str, str] = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if isinstance(error, InternalServerError):
        message = "Something went wrong on our side; the request id finds it in the log"
    elif isinstance(error, RequestEntityTooLarge):
        message = "The body is larger than this server takes (MAX_BODY_BYTES)"
    elif status == HTTPStatus.NOT_FOUND:
        message = "No such path; GET /api/v1/openapi.json lists them"
    else:
        message = error.description or HTTPStatus(status).phrase
    return Problem(status, message, headers=headers).response()


def _idempotency_conflict(error: errors.IdempotencyConflict) -> Response:
    text = str(error) or "was used with another body within the last 24 hours"
    return Problem(422, text, {"Idempotency-Key": [text]}, code="idempotency_conflict").response()


def _draft_refused(error: DraftRefused) -> Response:
    wrong = {".".join(map(camel_case, path.split("."))): [words] for path, words in error.wrong.items()}
    return invalid(wrong).response()


def _no_draft(error: NoDraft) -> Response:
    return Problem(409, str(error), {"status": [f"is {error.state}"]}, code="not_a_draft").response()


def _key_taken(error: errors.DeduplicationKeyTaken) -> Response:
    holder = {"deduplicationKey": [f"is held by the unfinished job {error.holder_id}"]}
    return Problem(409, str(error), holder, code="deduplication_key_taken").response()


def _limited(error: errors.ClientLimitExceeded) -> Response:
    message, headers = words_of_refusal(error)
    return Problem(429, message, headers=headers).response()


def _redis_away(_error: Exception) -> Response:
    return _away("Redis can't be reached; nothing is known to have been enqueued, try again", "redis_unavailable")


def _not_replicated(error: errors.NotReplicated) -> Response:
    text = f"Redis took it, but {error}; try again, with the same jobId or Idempotency-Key if you gave one"
    return _away(text, "not_replicated")


def _database_away(_error: Exception) -> Response:
    return _away("The database can't be reached; try again", "database_unavailable")


def _away(message: str, code: str) -> Response:
    return Problem(503, message, code=code, headers={"Retry-After": str(RETRY_AFTER_S)}).response()
