"""Who may enter the dashboard, what its cookies hold, and what a form must carry."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gateway.app import create_app
from gateway.auth import CACHE_S
from gateway.context import Gateway
from gateway.dashboard.session_key import KEY_FILE, session_key
from gateway.roles import Role
from gateway.tokens import revoke_token
from shared import audit
from shared.audit import Actor
from shared.errors import ConfigurationError
from shared.queues import Queue
from shared.settings import Settings
from tests.integration.dashboard.conftest import Browser

Secret = Callable[[Role], str]


def test_without_a_session_every_page_asks_for_a_token(stranger: Browser) -> None:
    for path in ("/dashboard", "/dashboard/jobs?filter=state:failed", "/dashboard/nowhere"):
        response = stranger.get(path)
        assert response.status_code == 303
        assert response.headers["Location"].startswith("/dashboard/login?next=/dashboard")


def test_a_token_opens_a_session_that_leads_back_to_where_one_wanted_to_go(stranger: Browser, secret: Secret) -> None:
    entered = stranger.log_in(secret(Role.VIEWER), next="/dashboard?x=1")

    assert entered.headers["Location"] == "/dashboard?x=1"
    assert "the viewer" in stranger.follow(entered).text


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/dashboard.evil", "/\\evil", "/api/v1/docs", "javascript:x"]
)
def test_nobody_is_sent_to_another_site_after_the_login(stranger: Browser, secret: Secret, target: str) -> None:
    assert stranger.log_in(secret(Role.VIEWER), next=target).headers["Location"] == "/dashboard"


@pytest.mark.parametrize("token", ["", "doko_wrong", "x" * 10_000, "ü\x00"])
def test_a_wrong_token_is_refused_with_words(stranger: Browser, token: str) -> None:
    response = stranger.log_in(token)

    assert response.status_code == 401
    assert "unknown, revoked or expired" in response.text
    assert stranger.get("/dashboard").status_code == 303


def test_attempts_to_log_in_are_limited_by_address(stranger: Browser) -> None:
    answers = [stranger.log_in("doko_wrong").status_code for _ in range(32)]

    assert answers[:30] == [401] * 30
    assert answers[-1] == 429


def test_the_cookie_is_closed_to_scripts_and_other_sites_and_holds_no_token(stranger: Browser, secret: Secret) -> None:
    token = secret(Role.ADMIN)
    header = stranger.log_in(token).headers["Set-Cookie"]

    assert "HttpOnly" in header
    assert "SameSite=Strict" in header
    assert "Path=/dashboard" in header
    assert token not in header
    assert token.removeprefix("doko_") not in header


def test_over_https_the_cookie_stays_there(stranger: Browser) -> None:
    response = stranger._client.get("/dashboard/login", base_url="https://doko.example")

    assert "Secure" in response.headers["Set-Cookie"]


def test_a_changed_cookie_or_one_signed_elsewhere_is_no_session(
    viewer: Browser, app: Flask, settings: Settings
) -> None:
    good = viewer.cookie("doko_session")
    other = create_app(replace(settings, dashboard_key="another key of at least 32 characters"))
    stranger = Browser(other)
    stranger.forge("doko_session", good)
    viewer.forge("doko_session", good[:-2] + ("aa" if good[-2:] != "aa" else "bb"))

    assert viewer.get("/dashboard").status_code == 303
    assert stranger.get("/dashboard").status_code == 303
    other.extensions["doko"].broker.close()
    other.extensions["doko"].database.dispose()


def test_a_notices_cookie_is_no_session(viewer: Browser, app: Flask, operator: Browser) -> None:
    operator.post("/dashboard/queues/WHATSAPP/pause", reason="x")
    stranger = Browser(app)
    stranger.forge("doko_session", operator.cookie("doko_notice"))

    assert stranger.get("/dashboard").status_code == 303


def test_a_revoked_token_ends_its_sessions(viewer: Browser, parts: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    with parts.database.session() as tx:
        revoke_token(tx, viewer.token_id, actor=Actor("test"))
    now = parts.tokens._monotonic()
    monkeypatch.setattr(parts.tokens, "_monotonic", lambda: now + CACHE_S + 1)

    assert viewer.get("/dashboard").status_code == 303


def test_logging_out_forgets_the_session(viewer: Browser) -> None:
    viewer.post("/dashboard/logout")

    assert viewer.get("/dashboard").status_code == 303


def test_the_api_takes_no_cookie_and_the_dashboard_no_bearer_token(viewer: Browser, secret: Secret, app: Flask) -> None:
    token = secret(Role.ADMIN)

    assert viewer._client.get("/api/v1/queues/stats").status_code == 401
    assert Browser(app).get("/dashboard", Authorization=f"Bearer {token}").status_code == 303


def test_a_form_without_the_sessions_secret_does_nothing(operator: Browser, parts: Gateway) -> None:
    for csrf in ("", "wrong", "ü"):
        response = operator.post("/dashboard/queues/WHATSAPP/pause", reason="x", csrf=csrf)
        assert response.status_code == 403

    assert not parts.store.queue_stats(Queue.WHATSAPP).is_paused


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_from_another_site_does_nothing(operator: Browser, parts: Gateway, headers: dict[str, str]) -> None:
    response = operator.post("/dashboard/queues/WHATSAPP/pause", reason="x", headers=headers)

    assert response.status_code == 403
    assert not parts.store.queue_stats(Queue.WHATSAPP).is_paused


def test_a_login_form_from_another_site_opens_no_session(stranger: Browser, secret: Secret) -> None:
    response = stranger.post("/dashboard/login", token=secret(Role.VIEWER))

    assert response.status_code == 403


def test_a_link_from_another_site_is_asked_for_again_by_our_own_page(viewer: Browser, stranger: Browser) -> None:
    # A strict cookie doesn't come with such a link.
    bounced = stranger.get("/dashboard?a=1&b=<x>", **{"Sec-Fetch-Site": "cross-site"})

    assert bounced.status_code == 200
    assert 'http-equiv="refresh"' in bounced.text
    assert "<x>" not in bounced.text


def test_every_page_has_a_policy_without_inline_scripts_or_styles(viewer: Browser) -> None:
    response = viewer.get("/dashboard")
    policies = response.headers.getlist("Content-Security-Policy")

    assert len(policies) == 1
    assert "script-src 'self'" in policies[0]
    assert "unsafe" not in policies[0]
    assert "style=" not in response.text
    assert response.headers.getlist("Cache-Control") == ["no-store"]


def test_static_files_with_their_contents_hash_are_kept_by_the_browser(viewer: Browser) -> None:
    page = viewer.get("/dashboard").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    response = viewer._client.get(address, buffered=True)

    assert response.status_code == 200
    assert response.headers.getlist("Cache-Control") == ["public, max-age=31536000, immutable"]
    assert viewer.get("/dashboard/static/../session.py").status_code == 404


def test_opening_a_session_is_in_the_operator_log(viewer: Browser, parts: Gateway) -> None:
    with parts.database.reader() as tx:
        found = [(entry.actor, entry.target) for entry in audit.actions(tx, action=audit.OperatorAction.SESSION_OPENED)]

    assert found == [("the viewer", str(viewer.token_id))]


def test_the_key_is_made_once_and_for_its_owner_alone(settings: Settings, tmp_path: Path) -> None:
    fresh = replace(settings, data_dir=tmp_path / "new")
    first = session_key(fresh)

    assert session_key(fresh) == first
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "new" / KEY_FILE).stat().st_mode) == 0o600


def test_a_given_key_wins_and_an_unwritable_folder_names_the_way_out(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    unwritable: Any = replace(settings, data_dir=tmp_path / "file" / "folder")

    assert session_key(replace(unwritable, dashboard_key="k" * 32)) == "k" * 32
    with pytest.raises(ConfigurationError, match="DASHBOARD_KEY"):
        session_key(unwritable)
