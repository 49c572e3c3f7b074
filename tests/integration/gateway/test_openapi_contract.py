"""schemathesis sends what the OpenAPI document allows, and what it doesn't: no 500, and answers as documented."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, strategies
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.app import create_app
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.database import Database
from shared.messages import MESSAGES
from shared.settings import Settings

SOAK = os.environ.get("SOAK") == "1"
EXAMPLES = 200 if SOAK else 25
EXAMPLES_OVER_HTTP = 20 if SOAK else 6
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


QUEUE_OF = {message.JOB_NAME: message.QUEUE.name for message in MESSAGES}
ENQUEUEING = {
    *("/api/v1/whatsapp/messages", "/api/v1/queues/{key}/jobs", "/api/v1/queues/{key}/jobs/bulk"),
    *("/api/v1/credit/scores", "/api/v1/reminders", "/api/v1/reports"),
    *(
        f"/api/v1/orders/{{order_id}}/{action}"
        for action in ("confirm", "assign-vendor", "status", "complete", "cancel", "payments")
    ),
    *(f"/api/v1/orders/{{order_id}}/{action}" for action in ("route", "retry-routing", "vendor-response")),
}
PHONES = strategies.sampled_from(["+9779800000000", "9812345678", "+977-9841234567", "+447400123456"])

schemathesis.openapi.format("phone", PHONES)


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"CLIENT_RATE_LIMIT": "0"}


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


def statuses(api: Any, strategy: Any, *, is_consistent: bool = False) -> Counter[int]:
    """How often each status came; every answer is held against the document."""
    headers = {"Authorization": f"Bearer {api.app.config['token']}"}
    seen: Counter[int] = Counter()

    @seed(20261124)
    @BOUNDED
    @given(case=strategy)
    def holds(case: Any) -> None:
        if is_consistent:
            make_consistent(case)
        seen[case.call_and_validate(headers=headers, checks=CHECKS).status_code] += 1

    holds()
    return seen


def make_consistent(case: Any) -> None:
    """What a document can't say: a job's name goes with the queue in the path, deduplication with a key."""
    if not isinstance(case.body, dict):
        return
    jobs = case.body.get("jobs", [case.body])
    if "key" in case.path_parameters:
        case.path_parameters["key"] = QUEUE_OF[jobs[0]["name"]]
    if "jobs" in case.body:
        jobs = case.body["jobs"] = [job for job in jobs if job["name"] == jobs[0]["name"]][:2]
    for job in jobs:
        for name in ("deduplicate", "deduplicationMode", "deduplicationWindow"):
            job.get("options", {}).pop(name, None)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(ENQUEUEING))
def test_the_document_tells_which_jobs_are_accepted(api: Any, path: str) -> None:
    operation = api[path]["POST"]

    allowed = statuses(api, operation.as_strategy(generation_mode=GenerationMode.POSITIVE), is_consistent=True)
    assert allowed[202] > 0
    assert allowed.total() >= EXAMPLES

    wrong = statuses(api, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    assert wrong[422] > 0
    assert wrong.total() >= EXAMPLES


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["retailers/{retailer_id}", "vendors/{vendor_id}", "products/{product_id}"])
def test_the_document_tells_which_master_data_is_stored(api: Any, kind: str) -> None:
    operation = api[f"/api/v1/{kind}"]["PUT"]

    allowed = statuses(api, operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    assert allowed[201] > 0
    assert statuses(api, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))[422] > 0


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["fuzzing", pytest.param("coverage", marks=pytest.mark.soak)])
def test_no_request_breaks_the_gateway(
    phase: str, gateway: subprocess.Popen[bytes], environment: dict[str, str], tmp_path: Path
) -> None:
    database = Database(environment["DATABASE_URL"])
    with database.session() as tx:
        token = create_token(tx, user="schemathesis", role=Role.ADMIN, actor=Actor("test")).secret
    database.dispose()
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        f"http://127.0.0.1:{environment['PORT']}/api/v1/openapi.json",
        *("--header", f"Authorization: Bearer {token}", "--checks", ",".join(check.__name__ for check in CHECKS)),
        *("--phases", phase, "--max-examples", str(EXAMPLES_OVER_HTTP), "--seed", "20261124", "--no-color"),
        # One worker: ast.parse of Python 3.11 fails in several threads at once.
        *("--workers", "1", "--warnings", "off"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert gateway.poll() is None


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
