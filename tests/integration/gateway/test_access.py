"""Tokens, roles, limits, and the shape of every refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from gateway.api import Routes
from gateway.app import create_app
from gateway.auth import CACHE_S, TokenCache
from gateway.context import Gateway
from gateway.roles import Role
from gateway.tokens import create_token, list_tokens, revoke_token
from shared.audit import Actor
from shared.database.models import OperatorLogEntry
from shared.settings import Settings

ADMIN_ACTIONS = [
    ("PUT", "/limits/clients/asha"),
    ("DELETE", "/limits/clients/asha"),
    ("POST", "/queues/WHATSAPP/clean"),
    ("POST", "/workers/here:1:abc/stop"),
]
OPERATOR_ACTIONS = [
    ("POST", "/whatsapp/messages"),
    ("POST", "/queues/WHATSAPP/jobs"),
    ("POST", "/queues/WHATSAPP/jobs/bulk"),
    ("POST", "/queues/WHATSAPP/pause"),
    ("POST", "/queues/WHATSAPP/resume"),
    ("POST", "/queues/WHATSAPP/breaker/close"),
    ("PUT", "/queues/WHATSAPP/limits"),
    ("POST", "/queues/WHATSAPP/jobs/whatsapp-1/retry"),
    ("POST", "/queues/WHATSAPP/jobs/whatsapp-1/promote"),
    ("DELETE", "/jobs/whatsapp-1"),
    ("POST", "/bulk"),
    ("POST", "/bulk/1/stop"),
    ("POST", "/bulk/1/undo"),
    ("POST", "/workers/here:1:abc/quiet"),
    ("POST", "/flows"),
    ("DELETE", "/flows/flow-1"),
    ("POST", "/workers/here:1:abc/resume"),
]
VIEWS = [
    ("GET", "/queues/stats"),
    ("GET", "/queues/WHATSAPP/failed"),
    ("GET", "/jobs"),
    ("GET", "/jobs/histogram"),
    ("GET", "/jobs/suggestions"),
    ("GET", "/failures"),
    ("GET", "/bulk"),
    ("GET", "/subjects/order/ORD-1"),
    ("GET", "/queues/activity"),
    ("GET", "/jobs/whatsapp-1"),
    ("GET", "/jobs/whatsapp-1/events"),
    ("GET", "/workers"),
    ("GET", "/jobs/whatsapp-1/explain"),
    ("GET", "/flows"),
    ("GET", "/flows/flow-1"),
    ("GET", "/limits"),
    ("GET", "/limits/clients"),
    ("GET", "/limits/clients/asha"),
    ("GET", "/queues/WHATSAPP/groups"),
]


def client_of(app: Flask) -> Any:
    """Flask's client, untyped: it says that JSON may be missing, and here that is a failure."""
    return app.test_client()


@pytest.mark.parametrize(("method", "path"), VIEWS + OPERATOR_ACTIONS + ADMIN_ACTIONS)
def test_nothing_is_answered_without_a_token(app: Flask, method: str, path: str) -> None:
    answer = client_of(app).open(f"/api/v1{path}", method=method)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="doko"'
    assert answer.json["code"] == "unauthenticated"


@pytest.mark.parametrize(("method", "path"), OPERATOR_ACTIONS + ADMIN_ACTIONS)
def test_a_viewer_only_looks(viewer: Any, method: str, path: str) -> None:
    answer = viewer.call(method, path)

    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert "missing" in answer.json["errors"]["scope"][0]


@pytest.mark.parametrize(("method", "path"), ADMIN_ACTIONS)
def test_an_operator_is_told_the_scope_that_an_admins_action_takes(operator: Any, method: str, path: str) -> None:
    answer = operator.call(method, path)

    assert (answer.status_code, answer.json["errors"]) == (403, {"scope": ["queues:admin is missing"]})
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer  ", "doko_x", "Bearer " + "x" * 600])
def test_a_broken_authorization_header_is_unauthenticated(app: Flask, header: str) -> None:
    answer = client_of(app).get("/api/v1/queues/stats", headers={"Authorization": header})

    assert answer.status_code == 401


def test_an_unknown_token_is_unauthenticated(anonymous: Any) -> None:
    answer = anonymous.get("/queues/stats")

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_an_expired_token_is_unauthenticated(app: Flask, viewer: Any, parts: Gateway) -> None:
    soon = datetime.now(UTC) + timedelta(milliseconds=300)
    with parts.database.session() as tx:
        viewer.token = create_token(tx, user="a", role=Role.VIEWER, actor=Actor("t"), expires_at=soon).secret
    assert viewer.get("/queues/stats").status_code == 200

    while datetime.now(UTC) <= soon:
        pass

    assert viewer.get("/queues/stats").status_code == 401


def test_a_revocation_takes_effect_when_the_cache_forgets_the_token(parts: Gateway) -> None:
    now = 0.0
    cache = TokenCache(parts.database, monotonic=lambda: now)
    with parts.database.session() as tx:
        token = create_token(tx, user="a", role=Role.VIEWER, actor=Actor("t"))
    assert cache.caller(token.secret) is not None
    with parts.database.session() as tx:
        assert revoke_token(tx, token.id, actor=Actor("t"))

    now = CACHE_S - 0.1
    assert cache.caller(token.secret) is not None
    now = CACHE_S
    assert cache.caller(token.secret) is None


def test_the_database_holds_no_token_only_its_hash(parts: Gateway) -> None:
    with parts.database.session() as tx:
        token = create_token(tx, user="a", role=Role.VIEWER, actor=Actor("t"))
        (row,) = list_tokens(tx)

    assert len(token.secret) >= len("doko_") + 43
    assert token.secret not in repr(vars(row))
    assert len(row.token_hash) == 64


def test_a_caller_over_the_limit_is_told_when_to_come_back(settings: Settings, redis_url: str, operator: Any) -> None:
    values = {"REDIS_URL": redis_url, "DATABASE_URL": settings.database_url, "CLIENT_RATE_LIMIT": "2"}
    limited = client_of(create_app(Settings.from_environment(values)))
    headers = {"Authorization": f"Bearer {operator.token}"}

    answers = [limited.get("/api/v1/queues/stats", headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    refused = answers[-1]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Policy"] == '"client";q=2;w=60'
    assert refused.json["code"] == "rate_limited"
    assert "doko_client_limited_total 1.0" in limited.get("/metrics").get_data(as_text=True)


def test_enqueueing_counts_against_the_limit_too(
    settings: Settings, redis_url: str, operator: Any, example: dict[str, Any]
) -> None:
    values = {"REDIS_URL": redis_url, "DATABASE_URL": settings.database_url, "CLIENT_RATE_LIMIT": "2"}
    limited = client_of(create_app(Settings.from_environment(values)))
    headers = {"Authorization": f"Bearer {operator.token}"}

    codes = [limited.post("/api/v1/whatsapp/messages", json=example, headers=headers).status_code for _ in range(3)]
    wrong = [limited.post("/api/v1/whatsapp/messages", json={}, headers=headers).status_code for _ in range(3)]

    assert codes == [202, 202, 429]
    assert wrong == [422, 422, 429]


@pytest.mark.parametrize(("proxies", "expected"), [("0", "127.0.0.1"), ("1", "203.0.113.9"), ("2", "198.51.100.7")])
def test_only_as_many_proxies_are_believed_as_are_configured(
    settings: Settings, redis_url: str, operator: Any, proxies: str, expected: str
) -> None:
    values = {"REDIS_URL": redis_url, "DATABASE_URL": settings.database_url, "TRUSTED_PROXIES": proxies}
    behind = create_app(Settings.from_environment(values))
    headers = {
        "Authorization": f"Bearer {operator.token}",
        "X-Forwarded-For": "192.0.2.1, 198.51.100.7, 203.0.113.9",
    }

    assert client_of(behind).post("/api/v1/queues/WHATSAPP/pause", headers=headers).status_code == 200

    with behind.extensions["doko"].database.reader() as tx:
        assert tx.scalars(select(OperatorLogEntry.remote_address).order_by(OperatorLogEntry.id)).all()[-1] == expected


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"", "application/json", 400, "malformed"),
        (b"{", "application/json", 400, "malformed"),
        (b"\xff", "application/json", 400, "malformed"),
        (b'{"total": NaN}', "application/json", 400, "malformed"),
        (b"[" * 100_000, "application/json", 400, "malformed"),
        (b"[]", "application/json", 422, "invalid"),
        (b"null", "application/json", 422, "invalid"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "", 415, "unsupported_media_type"),
        (b"x" * (2 * 1024 * 1024), "application/json", 413, "too_large"),
    ],
)
def test_a_bad_body_is_a_clear_error(operator: Any, body: bytes, content_type: str, status: int, code: str) -> None:
    answer = operator.call("POST", "/whatsapp/messages", data=body, content_type=content_type)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert set(answer.json) == {"success", "message", "code", "errors", "requestId"}


def test_an_unknown_path_and_a_wrong_method_are_problems(viewer: Any) -> None:
    assert viewer.get("/nothing").json["code"] == "not_found"
    answer = viewer.get("/whatsapp/messages")
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_an_unexpected_error_is_a_problem_without_a_traceback(
    app: Flask, viewer: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app.extensions["doko"].store, "stats", None)

    answer = viewer.get("/queues/stats")

    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    assert "Traceback" not in answer.get_data(as_text=True)
    assert "Traceback" in caplog.text


def test_a_request_keeps_its_own_id_if_it_can_stand_in_a_log(viewer: Any) -> None:
    kept = viewer.get("/queues/stats", headers={"X-Request-Id": "order-7.a_b"})
    made = viewer.get("/queues/stats", headers={"X-Request-Id": 'x" evil'})

    assert kept.headers["X-Request-Id"] == "order-7.a_b"
    assert len(made.headers["X-Request-Id"]) == 16


def test_a_refusal_carries_the_requests_id(anonymous: Any) -> None:
    answer = anonymous.get("/queues/stats", headers={"X-Request-Id": "abc"})

    assert answer.json["requestId"] == answer.headers["X-Request-Id"] == "abc"


def test_every_answer_carries_the_security_headers_once(viewer: Any) -> None:
    for answer in (viewer.get("/queues/stats"), viewer.get("/nothing"), viewer.get("/docs")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert len(answer.headers.getlist("Content-Security-Policy")) == 1
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_route_that_says_neither_whom_it_lets_in_nor_that_it_is_public_is_refused() -> None:
    routes = Routes("r", __name__)

    def view() -> dict[str, str]:
        return {}

    with pytest.raises(RuntimeError, match="requires"):
        routes.get("/open")(view)
