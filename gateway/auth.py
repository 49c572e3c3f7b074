"""Who calls, and may they: bearer tokens, looked up by their hash and remembered for a few seconds."""

from __future__ import annotations

import hmac
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g, request
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.context import current_gateway
from gateway.errors import Problem
from gateway.roles import SCOPES, Role, Scope
from gateway.tokens import hash_of
from shared.database import Database
from shared.database.base import utc_now
from shared.database.models import ApiToken, ClientLimitRow

CACHE_S = 10.0
"""How long a process trusts a token without asking the database: revocations and new limits take effect within that."""
CACHE_SIZE = 10_000
TOUCH_EVERY = timedelta(minutes=1)
"""``last_used_at`` is at most this much behind."""

_MAX_TOKEN_LENGTH = 512
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="doko"'}
_BAD_TOKEN = {"WWW-Authenticate": 'Bearer realm="doko", error="invalid_token"'}

_WITH_LIMIT = select(ApiToken, ClientLimitRow.requests_per_minute).outerjoin(
    ClientLimitRow, ClientLimitRow.user_name == ApiToken.user_name
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """The token that a request came with."""

    token_id: str
    user: str
    role: Role
    scopes: frozenset[Scope]
    expires_at: datetime | None
    requests_per_minute: int | None = None
    """What an administrator set for the user; None leaves the default in force."""


class TokenCache:
    """Finds the caller of a token: in the process's memory for ``CACHE_S``, else in the database."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Caller]] = {}

    def caller(self, secret: str) -> Caller | None:
        """The caller, or None for a token that is unknown, revoked or expired. Raises what the database raises."""
        token_hash = hash_of(secret)
        return self._remembered(token_hash, lambda: self._of_hash(token_hash))

    def holder(self, token_id: str) -> Caller | None:
        """The same of a token's id, for sessions that hold no token."""
        return self._remembered(f"#{token_id}", lambda: self._of_id(token_id))

    def _remembered(self, key: str, look_up: Callable[[], Caller | None]) -> Caller | None:
        now = self._monotonic()
        known = self._known.get(key)
        if known is None or known[0] <= now:
            caller = look_up()
            if caller is None:
                self._known.pop(key, None)
                return None
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            self._known[key] = (now + CACHE_S, caller)
        else:
            caller = known[1]
        if caller.expires_at is not None and caller.expires_at <= utc_now():
            return None
        return caller

    def owner(self, secret: str) -> tuple[str, str, str] | None:
        """Id, user and role of a token, valid or not; None for one that was never made."""
        with self._database.reader() as tx:
            row = tx.scalar(select(ApiToken).where(ApiToken.token_hash == hash_of(secret)))
        return None if row is None else (str(row.id), row.user_name, row.role)

    def _of_hash(self, token_hash: str) -> Caller | None:
        with self._database.reader() as tx:
            found = tx.execute(_WITH_LIMIT.where(ApiToken.token_hash == token_hash)).one_or_none()
        # The index compares byte by byte; this comparison takes the same time wherever they differ.
        if found is None or not hmac.compare_digest(found[0].token_hash, token_hash):
            return None
        return self._caller_of(*found)

    def _of_id(self, token_id: str) -> Caller | None:
        with self._database.reader() as tx:
            found = tx.execute(_WITH_LIMIT.where(ApiToken.id == int(token_id))).one_or_none()
        return None if found is None else self._caller_of(*found)

    def _caller_of(self, row: ApiToken, per_minute: int | None) -> Caller | None:
        if row.revoked_at is not None:
            return None
        if row.last_used_at is None or row.last_used_at < utc_now() - TOUCH_EVERY:
            threading.Thread(target=self._touch, args=(row.id,), name="token-touch", daemon=True).start()
        role = Role(row.role)
        return Caller(str(row.id), row.user_name, role, SCOPES[role], row.expires_at, per_minute)

    def _touch(self, token_id: int) -> None:
        """Note the use; the request doesn't wait for it, and a miss only makes ``last_used_at`` older."""
        try:
            with self._database.session() as tx:
                tx.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=utc_now()))
        except SQLAlchemyError as error:
            logger.warning("could not note the use of token %s: %s", token_id, type(error).__name__)


def authorize(scopes: tuple[Scope, ...]) -> Caller:
    """The caller of the current request, who has all ``scopes``; raises the 401 or 403 otherwise."""
    caller: Caller | None = g.get("caller")
    if caller is None:
        caller = current_gateway().tokens.caller(_bearer_token())
        if caller is None:
            raise Problem(401, "The token is unknown, revoked or expired", headers=_BAD_TOKEN)
        g.caller = caller
    missing = [scope for scope in scopes if scope not in caller.scopes]
    if missing:
        names = ", ".join(missing)
        challenge = f'Bearer realm="doko", error="insufficient_scope", scope="{" ".join(scopes)}"'
        message = f"This needs the scope {names}, which the role {caller.role} doesn't have"
        raise Problem(403, message, {"scope": [f"{names} is missing"]}, headers={"WWW-Authenticate": challenge})
    return caller


def _bearer_token() -> str:
    header = request.environ.get("HTTP_AUTHORIZATION", "")
    if not header:
        raise Problem(401, "This needs a token: send 'Authorization: Bearer <token>'", headers=_CHALLENGE)
    scheme, _, secret = header.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret or len(secret) > _MAX_TOKEN_LENGTH:
        raise Problem(401, "The Authorization header must read 'Bearer <token>'", headers=_CHALLENGE)
    return str(secret)
