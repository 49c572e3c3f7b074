"""Who is logged in: a signed cookie that names the token's row, never the token itself.

The row is looked up on every request (remembered for ten seconds, as for the API), so a revoked or expired token
ends its sessions. The cookie belongs to ``/dashboard`` alone: the API knows no cookies.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from gateway.context import current_gateway
from gateway.dashboard.session_key import session_key

PATH = "/dashboard"
SESSION = "doko_session"
NOTICE = "doko_notice"
SESSION_S = 12 * 60 * 60
NOTICE_S = 60


def _secret() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser's session; without ``token_id`` nobody has logged in yet. Forms must send ``csrf`` back."""

    csrf: str = field(default_factory=_secret)
    token_id: str | None = None

    def sent(self, given: str) -> bool:
        """Whether a form carries this session's secret."""
        return hmac.compare_digest(self.csrf.encode(), given.encode("utf-8", "surrogateescape"))


@dataclass(frozen=True, slots=True)
class Notice:
    """What the next page says once: the outcome of the action that led there."""

    text: str
    is_error: bool = False


def read_session() -> Session | None:
    """The session of this request's cookie; None without a valid one."""
    stored = _read(SESSION, SESSION_S)
    return Session(stored["csrf"], stored["token"]) if stored else None


def store_session(response: Response, session: Session) -> None:
    """Give the browser its session."""
    _store(response, SESSION, {"csrf": session.csrf, "token": session.token_id}, SESSION_S)


def read_notice() -> Notice | None:
    """What the action before this page had to say."""
    stored = _read(NOTICE, NOTICE_S)
    return Notice(stored["text"], stored["error"]) if stored else None


def store_notice(response: Response, notice: Notice) -> None:
    """Let the next page say it."""
    _store(response, NOTICE, {"text": notice.text[:600], "error": notice.is_error}, NOTICE_S)


def forget(response: Response, name: str) -> None:
    """Remove a cookie of ours."""
    response.delete_cookie(name, path=PATH, httponly=True, samesite="Strict", secure=request.is_secure)


def _store(response: Response, name: str, value: dict[str, Any], lasts_s: int) -> None:
    response.set_cookie(
        name,
        _signer(name).dumps(value),
        max_age=lasts_s,
        path=PATH,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )


def _read(name: str, lasts_s: int) -> dict[str, Any] | None:
    cookie = request.cookies.get(name)
    if not cookie:
        return None
    try:
        value: dict[str, Any] = _signer(name).loads(cookie, max_age=lasts_s)
    except BadSignature:
        return None
    return value


def _signer(salt: str) -> URLSafeTimedSerializer:
    """One a cookie, so that none passes for another."""
    signers: dict[str, URLSafeTimedSerializer] = current_app.extensions.setdefault("doko-signers", {})
    if salt not in signers:
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        signers[salt] = URLSafeTimedSerializer(
            session_key(current_gateway().settings), salt=salt, signer_kwargs=options
        )
    return signers[salt]
