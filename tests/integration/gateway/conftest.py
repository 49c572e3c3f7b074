"""The real application on a real Redis and SQLite, and callers with a token of each role."""

from __future__ import annotations

import copy
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.context import Gateway
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.broker.broker import DokoBroker
from shared.settings import Settings
from tests.kit.gateway_process import answers, eventually, running

EXAMPLE: dict[str, Any] = {
    "type": "ORDER_CONFIRMATION",
    "recipient": "+977-9800000000",
    "data": {
        "orderNumber": "ORD-2026-001",
        "total": 1500.00,
        "items": [{"productName": "Rice 1kg", "quantity": 10, "unitPrice": 150.0}],
    },
}


class Api:
    """One caller."""

    def __init__(self, app: Flask, token: str) -> None:
        self._client = app.test_client()
        self.token = token

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self._client.open(f"/api/v1{path}", method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, **({} if body is None else {"json": body}), **options)

    def put(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call("PUT", path, **({} if body is None else {"json": body}), **options)

    def delete(self, path: str) -> TestResponse:
        return self.call("DELETE", path)

    def send(self, **changes: Any) -> TestResponse:
        """The requirement's WhatsApp message, with changes."""
        return self.post("/whatsapp/messages", {**copy.deepcopy(EXAMPLE), **changes})


@pytest.fixture
def example() -> dict[str, Any]:
    return copy.deepcopy(EXAMPLE)


@pytest.fixture
def settings(redis_url: str, sqlite_url: str, tmp_path: Any) -> Settings:
    return Settings.from_environment(
        {"REDIS_URL": redis_url, "DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path), "CLIENT_RATE_LIMIT": "1000"}
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    parts: Gateway = app.extensions["doko"]
    for thread in threading.enumerate():
        if thread.name == "token-touch":  # it holds a connection, which would outlive its pool
            thread.join()
    parts.database.dispose()
    parts.broker.close()


@pytest.fixture
def parts(app: Flask) -> Gateway:
    gateway: Gateway = app.extensions["doko"]
    return gateway


@pytest.fixture
def broker(parts: Gateway) -> DokoBroker:
    return parts.broker


def caller(app: Flask, role: Role) -> Api:
    with app.extensions["doko"].database.session() as tx:
        return Api(app, create_token(tx, user=f"the {role}", role=role, actor=Actor("test")).secret)


@pytest.fixture
def viewer(app: Flask) -> Api:
    return caller(app, Role.VIEWER)


@pytest.fixture
def operator(app: Flask) -> Api:
    return caller(app, Role.OPERATOR)


@pytest.fixture
def admin(app: Flask) -> Api:
    return caller(app, Role.ADMIN)


@pytest.fixture
def anonymous(app: Flask) -> Api:
    return Api(app, "doko_nobody")


@pytest.fixture
def environment(redis_url: str, sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return {
        "REDIS_URL": redis_url,
        "DATABASE_URL": sqlite_url,
        "DATA_DIR": str(tmp_path),
        "LOG_DIR": str(tmp_path / "logs"),
        "PORT": str(port),
        "GATEWAY_PROCESSES": "2",
    }


@pytest.fixture
def gateway(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with running("gateway", environment) as process:
        eventually(lambda: answers(environment))
        yield process
