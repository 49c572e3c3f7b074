"""How routes are declared: the decorators of ``Routes`` say who may call, what comes in, what goes out.

The decorators only note what they are told; registering a route builds one function that authorizes, counts
the request, reads it and calls the view, in that order whatever the order of the decorators. The same notes make
the OpenAPI document. (flask-smorest has the same interface; each request took 2.5 times the CPU through it.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Protocol, TypeVar, runtime_checkable

from flask import Blueprint, Response, request
from marshmallow import Schema, ValidationError
from typing_extensions import override

from gateway.answers import Answer, Json, json_response
from gateway.auth import authorize
from gateway.bodies import read_json
from gateway.errors import Problem
from gateway.rate_limit import count_request
from gateway.roles import Scope
from shared.errors import InvalidOption

V = TypeVar("V", bound=Callable[..., Any])

_REFUSALS = (ValidationError, InvalidOption, Problem)


@runtime_checkable
class Reads(Protocol):
    """Turns what a client sent into what a view takes, and knows the schema of it."""

    def read(self, data: Any) -> Any:
        """The view's argument; raises ValidationError or InvalidOption."""

    @property
    def schema(self) -> Schema:
        """For the OpenAPI document."""


@dataclass
class Operation:
    """What the decorators of one view said."""

    scopes: tuple[Scope, ...] | None = None
    is_public: bool = False
    enqueues: bool = False
    query: Reads | None = None
    body: Reads | None = None
    is_body_required: bool = True
    example: Json | None = None
    status: int = 200
    schema: Schema | None = None
    response: str = ""
    created: str = ""
    files: tuple[str, ...] = ()
    problems: tuple[int, ...] = field(default=())


class Routes(Blueprint):
    """A blueprint of API operations."""

    def arguments(
        self, reads: Reads, *, location: str = "json", required: bool = True, example: Json | None = None
    ) -> Callable[[V], V]:
        """Read the body (or, with ``location="query"``, the query) and pass the result to the view, query first.

        ``example`` is a body for the OpenAPI document.
        """

        def note(view: V) -> V:
            operation = operation_of(view)
            if location == "query":
                operation.query = reads
            else:
                operation.body, operation.is_body_required, operation.example = reads, required, example
            return view

        return note

    def response(
        self,
        status: int,
        schema: type[Schema] | None = None,
        description: str = "",
        *,
        created: str = "",
        problems: tuple[int, ...] = (),
        files: tuple[str, ...] = (),
    ) -> Callable[[V], V]:
        """Answer with ``status``; ``schema`` documents the body, ``problems`` the errors beyond the usual ones.

        ``created`` describes the 201 that a view which otherwise answers ``status`` may give (``answers.created``).
        ``files`` are the content types of a body that is a file.
        """

        def note(view: V) -> V:
            operation = operation_of(view)
            operation.status, operation.response, operation.problems = status, description, problems
            operation.created = created
            operation.schema = schema() if schema is not None else None
            operation.files = files
            return view

        return note

    @override
    def get(self, rule: str, **options: Any) -> Callable[[V], V]:
        """A route for GET (and HEAD)."""
        return self._route("GET", rule, options)

    @override
    def post(self, rule: str, **options: Any) -> Callable[[V], V]:
        """A route for POST."""
        return self._route("POST", rule, options)

    @override
    def put(self, rule: str, **options: Any) -> Callable[[V], V]:
        """A route for PUT."""
        return self._route("PUT", rule, options)

    @override
    def delete(self, rule: str, **options: Any) -> Callable[[V], V]:
        """A route for DELETE."""
        return self._route("DELETE", rule, options)

    def _route(self, method: str, rule: str, options: dict[str, Any]) -> Callable[[V], V]:
        def register(view: V) -> V:
            self.add_url_rule(rule, options.pop("endpoint", None), view, methods=[method], **options)
            return view

        return register

    @override
    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Callable[..., Any] | None = None, *args: Any, **kw: Any
    ) -> None:
        """Register the view; RuntimeError if it says neither whom it lets in nor that it is public."""
        if view_func is None:
            raise RuntimeError(f"{rule} has no view")
        operation = operation_of(view_func)
        if operation.scopes is None and not operation.is_public:
            raise RuntimeError(f"{rule} needs @requires(…) or @public")
        super().add_url_rule(rule, endpoint, _dispatcher(operation, view_func), *args, **kw)


def operation_of(view: Callable[..., Any]) -> Operation:
    """The notes of a view, begun at the first call."""
    known: Operation | None = getattr(view, "operation", None)
    if known is None:
        known = Operation()
        view.operation = known  # type: ignore[attr-defined]  # functions carry attributes
    return known


def requires(*scopes: Scope) -> Callable[[V], V]:
    """Let only callers in whose token has all ``scopes``: 401 without a valid token, 403 names what is missing."""

    def note(view: V) -> V:
        operation_of(view).scopes = scopes
        return view

    return note


def public(view: V) -> V:
    """Let everybody in."""
    operation_of(view).is_public = True
    return view


def enqueues(view: V) -> V:
    """The request is counted against the client's limit by the script that enqueues, in the same round trip."""
    operation_of(view).enqueues = True
    return view


def _dispatcher(operation: Operation, view: Callable[..., Any]) -> Callable[..., Response]:
    @wraps(view)
    def dispatch(**path: Any) -> Response:
        if operation.scopes is not None:
            authorize(operation.scopes)
            if not operation.enqueues:
                count_request()
        result = view(*_arguments(operation), **path)
        if isinstance(result, Response):
            return result
        if isinstance(result, Answer):
            return json_response(result.body, result.status or operation.status, result.headers)
        return json_response(result, operation.status)

    return dispatch


def _arguments(operation: Operation) -> list[Any]:
    try:
        arguments = []
        if operation.query is not None:
            arguments.append(operation.query.read(request.args.to_dict()))
        if operation.body is not None:
            arguments.append(operation.body.read(read_json(is_required=operation.is_body_required)))
    except _REFUSALS:
        # Nothing will be enqueued, so nothing else counts this request.
        if operation.enqueues:
            count_request()
        raise
    return arguments
