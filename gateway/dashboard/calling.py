"""How pages use the API: the same view, the same scopes, the same reading of what was sent, without HTTP between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import g

from gateway.answers import Answer, Json
from gateway.api import operation_of
from gateway.auth import Caller, authorize

View = Callable[..., Any]


def call(view: View, *, query: Mapping[str, str] | None = None, body: Json | None = None, **path: str | int) -> Json:
    """What the API answers to the current caller; raises what the API would turn into an error answer."""
    operation = operation_of(view)
    demand(view)
    arguments = []
    if operation.query is not None:
        arguments.append(operation.query.read(dict(query or {})))
    if operation.body is not None:
        arguments.append(operation.body.read(body or {}))
    answer = view(*arguments, **path)
    found: Json = answer.body if isinstance(answer, Answer) else answer
    return found


def demand(view: View) -> None:
    """Refuse a caller who may not use the view, as the API would."""
    authorize(operation_of(view).scopes or ())


def may(view: View) -> bool:
    """Whether the current caller has the view's scopes; pages leave out what it may not use."""
    caller: Caller | None = g.get("caller")
    return caller is not None and all(scope in caller.scopes for scope in operation_of(view).scopes or ())
