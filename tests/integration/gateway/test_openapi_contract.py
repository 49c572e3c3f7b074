"""schemathesis sends what the OpenAPI document allows, and what it doesn't: no 500, and answers as documented."""

from __future__ import annotations

import copy
from itertools import product
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, strategies
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.errors import UnsupportedSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.app import create_app
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.settings import Settings

EXAMPLES = 20
EXAMPLE: dict[str, Any] = {
    "type": "ORDER_CONFIRMATION",
    "recipient": "+9779800000000",
    "data": {"orderNumber": "O-1", "total": 1500, "items": [{"productName": "Rice", "quantity": 1, "unitPrice": 150}]},
    "options": {"delay": 0, "backoff": {"type": "fixed", "delay": 1}},
}
PLACES: list[tuple[Any, ...]] = [
    ("type",),
    ("recipient",),
    ("data",),
    ("data", "total"),
    ("data", "items"),
    ("data", "items", 0),
    ("data", "items", 0, "quantity"),
    ("options",),
    *(
        ("options", name)
        for name in ("delay", "attempts", "backoff", "timeout", "priority", "deduplicate", "deduplicationKey")
    ),
    *(("options", name) for name in ("deduplicationMode", "removeOnComplete", "jobId", "language", "unknown")),
    ("options", "backoff", "type"),
    ("options", "backoff", "delay"),
    ("options", "backoff", "jitter"),
]
_SCALARS = (
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats(allow_nan=False, allow_infinity=False)
)
VALUES = strategies.recursive(
    _SCALARS | strategies.text(alphabet=strategies.characters(codec="utf-8"), max_size=300),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=9), inner),
    max_leaves=5,
)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def api(redis_url: str, sqlite_url: str, tmp_path: Any) -> Any:
    values = {"REDIS_URL": redis_url, "DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path), "CLIENT_RATE_LIMIT": "0"}
    app = create_app(Settings.from_environment(values))
    with app.extensions["doko"].database.session() as tx:
        token = create_token(tx, user="schemathesis", role=Role.ADMIN, actor=Actor("test")).secret
    app.config["token"] = token
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)


BOUNDED = hypothesis_settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def check(api: Any, strategy: Any) -> None:
    headers = {"Authorization": f"Bearer {api.app.config['token']}"}

    @seed(20261124)
    @BOUNDED
    @given(case=strategy)
    def holds(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    holds()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_what_clients_send_never_breaks_the_gateway(api: Any) -> None:
    refused_by_schemathesis = []
    operations = [result.ok() for result in api.get_all_operations()]
    for operation, mode in product(operations, (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)):
        try:
            check(api, operation.as_strategy(generation_mode=mode))
        except UnsupportedSchema:
            refused_by_schemathesis.append((operation.path, mode.value))
        except Unsatisfiable:
            # Nothing can be wrong with a request that takes nothing.
            assert mode is GenerationMode.NEGATIVE
            assert not operation.query
            assert not operation.body

    assert len(operations) > 10
    # Its generator can't model the choice of data by type; the next test breaks that body place by place.
    assert {path for path, _ in refused_by_schemathesis} == {"/api/v1/whatsapp/messages"}


@seed(20261124)
@hypothesis_settings(BOUNDED, max_examples=200)
@given(where=strategies.sampled_from(PLACES), value=VALUES)
def breaks_one_place(app: Any, headers: dict[str, str], where: tuple[Any, ...], value: Any) -> None:
    body = copy.deepcopy(EXAMPLE)
    target: Any = body
    for step in where[:-1]:
        target = target[step]
    target[where[-1]] = value
    answer = app.test_client().post("/api/v1/whatsapp/messages", json=body, headers=headers)
    assert answer.status_code in {202, 422}, answer.get_data(as_text=True)


@pytest.mark.slow
def test_a_message_with_one_wrong_place_is_accepted_or_refused_but_never_an_error(api: Any) -> None:
    breaks_one_place(api.app, {"Authorization": f"Bearer {api.app.config['token']}"})
