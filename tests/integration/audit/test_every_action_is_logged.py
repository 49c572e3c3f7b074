"""Each route that changes something leaves an entry in the operator log, or stands here with the reason why not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from flask import Flask

from gateway.api import Operation
from shared.audit import record_action
from tests.integration.gateway.conftest import app, settings

__all__ = ["app", "settings"]

UNLOGGED = {
    "master": "the platform's own data, which it keeps the history of; orders have order_events",
    "drafts": "the platform's own drafts, each with its order_events",
    "webhooks": "receipts and messages from the provider, stored as they come",
    "flows.create": "enqueues jobs, as the platform's other calls do",
    "dashboard.theme": "how one's own browser shows pages",
    "dashboard.leave": "ends one's own session",
    "dashboard.nowhere": "there is nothing there",
}
"""Routes, or all of a blueprint, that are the platform's business and no operator's action."""

_READING = {"GET", "HEAD", "OPTIONS"}


def test_every_route_that_changes_something_is_logged_enqueues_or_is_named(app: Flask) -> None:
    unlogged = [
        f"{rule.methods} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if set(rule.methods or ()) - _READING and not is_covered(app, rule.endpoint)
    ]

    assert unlogged == []


def test_the_list_of_exceptions_names_only_what_is_there(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}

    assert set(UNLOGGED) <= endpoints | {endpoint.partition(".")[0] for endpoint in endpoints}


def test_a_route_that_only_looks_is_not_taken_for_one_that_is_logged(app: Flask) -> None:
    assert record_action not in reached(inspect.unwrap(app.view_functions["queues.stats"]))
    assert record_action in reached(inspect.unwrap(app.view_functions["queues.pause"]))


def is_covered(app: Flask, endpoint: str) -> bool:
    view: Any = app.view_functions[endpoint]
    operation: Operation | None = getattr(view, "operation", None)
    is_business = operation is not None and operation.enqueues
    is_named = endpoint in UNLOGGED or endpoint.partition(".")[0] in UNLOGGED
    return is_business or is_named or record_action in reached(inspect.unwrap(view))


def reached(function: Callable[..., Any]) -> set[object]:
    """All functions of ours that a view names or was made with, and those that these name."""
    found: set[object] = set()
    waiting: list[Any] = [function]
    while waiting:
        each = waiting.pop()
        if each in found:
            continue
        found.add(each)
        inner = inspect.unwrap(each)
        if isinstance(inner, FunctionType) and inner.__module__.partition(".")[0] in {"gateway", "shared"}:
            mentioned = set(names(inner.__code__))
            named = [inner.__globals__.get(name) for name in mentioned]
            named += [cell.cell_contents for cell in inner.__closure__ or ()]
            modules = [one for one in named if inspect.ismodule(one) and one.__name__.startswith("gateway.")]
            named += [getattr(module, name, None) for module in modules for name in mentioned]
            waiting += [one for one in named if inspect.isfunction(one)]
    return found


def names(code: CodeType) -> Iterator[str]:
    """The names in a function and in those inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names(constant)
