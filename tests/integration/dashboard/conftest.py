"""The real application as a browser without scripts sees it: cookies, forms, pages."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.context import Gateway
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.settings import Settings

HOST = "http://localhost"


class Browser:
    """One person at a browser without scripts."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()
        self.csrf = ""
        self.token_id = 0

    def get(self, path: str, **headers: str) -> TestResponse:
        response = self._client.get(path, headers=headers)
        if found := re.search(r'name="csrf" value="([^"]+)"', response.text):
            self.csrf = found[1]
        return response

    def post(
        self,
        path: str,
        more: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> TestResponse:
        """Send a form of ``fields`` and ``more`` with the secret of the page seen last."""
        data = {"csrf": self.csrf, **fields, **(more or {})}
        return self._client.post(path, data=data, headers=dict(headers or {}))

    def follow(self, response: TestResponse) -> TestResponse:
        assert response.status_code == 303, response.text
        return self.get(response.headers["Location"])

    def log_in(self, token: str, **fields: Any) -> TestResponse:
        self.get("/dashboard/login")
        return self.post("/dashboard/login", token=token, **fields)

    def cookie(self, name: str) -> str:
        cookie = self._client.get_cookie(name, path="/dashboard")
        return "" if cookie is None else cookie.value

    def forge(self, name: str, value: str) -> None:
        self._client.set_cookie(name, value, path="/dashboard")


@pytest.fixture
def settings(redis_url: str, sqlite_url: str, tmp_path: Any) -> Settings:
    given = {"REDIS_URL": redis_url, "DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path), "CLIENT_RATE_LIMIT": "0"}
    return replace(Settings.from_environment(given))


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    app.extensions["doko-pulse"].close()
    parts: Gateway = app.extensions["doko"]
    for thread in threading.enumerate():
        if thread.name in {"token-touch", "dashboard-pulse"}:
            thread.join()
    parts.database.dispose()
    parts.broker.close()


@pytest.fixture
def parts(app: Flask) -> Gateway:
    gateway: Gateway = app.extensions["doko"]
    return gateway


@pytest.fixture
def secret(parts: Gateway) -> Callable[[Role], str]:
    def make(role: Role) -> str:
        with parts.database.session() as tx:
            return create_token(tx, user=f"the {role}", role=role, actor=Actor("test")).secret

    return make


@pytest.fixture
def person(app: Flask, parts: Gateway) -> Callable[[Role], Browser]:
    """Somebody of a role who has logged in."""

    def enter(role: Role) -> Browser:
        with parts.database.session() as tx:
            token = create_token(tx, user=f"the {role}", role=role, actor=Actor("test"))
        browser = Browser(app)
        browser.token_id = token.id
        assert browser.log_in(token.secret).status_code == 303
        browser.get("/dashboard")
        return browser

    return enter


@pytest.fixture
def viewer(person: Callable[[Role], Browser]) -> Browser:
    return person(Role.VIEWER)


@pytest.fixture
def operator(person: Callable[[Role], Browser]) -> Browser:
    return person(Role.OPERATOR)


@pytest.fixture
def admin(person: Callable[[Role], Browser]) -> Browser:
    return person(Role.ADMIN)


@pytest.fixture
def stranger(app: Flask) -> Browser:
    return Browser(app)
