"""What the OpenAPI document shows as an example is accepted as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from gateway.context import Gateway
from gateway.openapi import document
from tests.integration.gateway.reading import a_business

IN_PATHS = {"{order_id}": "ORD2611000001", "{number}": "PAY001", "{key}": "CREDIT_SCORE"}
CALLS = ("credit", "orders/", "payments", "queues", "reminders", "whatsapp")
"""The operations that enqueue; master data and reports have tests of their own examples."""


@pytest.fixture
def business(parts: Gateway) -> None:
    a_business(parts.database)


def test_every_example_of_a_call_is_accepted(app: Flask, admin: Any, business: None) -> None:
    examples = dict(examples_of(document(app)))

    statuses = {path: admin.post(fill(path), body).status_code for path, body in examples.items()}

    assert len(examples) == 16
    assert {path: status for path, status in statuses.items() if status not in {200, 202}} == {}


def test_every_call_that_needs_a_body_shows_one(app: Flask) -> None:
    made = document(app)
    needing = [path for path, body in bodies_of(made) if body["required"]]

    assert set(needing) <= {path for path, _ in examples_of(made)}


def bodies_of(made: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for path, operations in made["paths"].items():
        body = operations.get("post", {}).get("requestBody")
        if body is not None and path.removeprefix("/api/v1/").startswith(CALLS):
            yield path, body


def examples_of(made: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for path, body in bodies_of(made):
        content = body["content"]["application/json"]
        if "example" in content:
            yield path, content["example"]


def fill(path: str) -> str:
    for argument, value in IN_PATHS.items():
        path = path.replace(argument, value)
    return path.removeprefix("/api/v1")
