"""API tokens: made, listed, revoked, and the first admin's one that ``make up`` prints.

A token is ``doko_`` and 256 random bits. Only its SHA-256 is stored: it has more entropy than any
attacker can try, so a slow hash would only slow the gateway down.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.roles import Role
from shared.audit import Actor, OperatorAction, record_action
from shared.database import Database
from shared.database.base import utc_now
from shared.database.models import ApiToken, OperatorLogEntry
from shared.errors import ConfigurationError, DokoError
from shared.settings import Settings

TOKEN_PREFIX = "doko_"  # noqa: S105 - what tokens begin with, no secret
BOOTSTRAP_USER = "admin"
ADMIN_TOKEN_FILE = "admin-token"  # noqa: S105 - a file's name
_RANDOM_BYTES = 32
_MAX_USER_LENGTH = 64


class TokenNotFound(DokoError):
    """No token has that id."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made; ``secret`` is shown once and stored nowhere."""

    id: int
    secret: str


def hash_of(secret: str) -> str:
    """SHA-256 of a token, lower-case hex, as it is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def create_token(
    tx: Session, *, user: str, role: Role, actor: Actor, expires_at: datetime | None = None, secret: str | None = None
) -> NewToken:
    """Store a new token and its entry in the operator log. ConfigurationError if ``user`` is empty or too long."""
    if not user.strip() or len(user) > _MAX_USER_LENGTH or not user.isprintable():
        raise ConfigurationError(f"A token's user is 1 to {_MAX_USER_LENGTH} printable characters, got {user!r}")
    secret = secret or TOKEN_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    row = ApiToken(user_name=user, role=role.value, token_hash=hash_of(secret), expires_at=expires_at)
    tx.add(row)
    tx.flush()
    details = {"user": user, "role": role.value}
    record_action(tx, OperatorAction.TOKEN_CREATED, actor=actor, target=str(row.id), details=details)
    return NewToken(row.id, secret)


def list_tokens(tx: Session) -> Sequence[ApiToken]:
    """All tokens, revoked ones included, oldest first."""
    return tx.scalars(select(ApiToken).order_by(ApiToken.id)).all()


def revoke_token(tx: Session, token_id: int, *, actor: Actor, why: str = "") -> bool:
    """Revoke a token; False if it was revoked already. Raises TokenNotFound.

    Gateway processes keep a token they have seen for up to 10 s (``gateway.auth.CACHE_S``).
    """
    row = tx.get(ApiToken, token_id)
    if row is None:
        raise TokenNotFound(f"No token has the id {token_id}; `doko tokens list` shows them")
    revoked = update(ApiToken).where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
    if tx.execute(revoked.values(revoked_at=utc_now())).rowcount == 0:  # type: ignore[attr-defined]
        return False
    record_action(tx, OperatorAction.TOKEN_REVOKED, actor=actor, target=str(token_id), why=why)
    return True


def ensure_admin_token(database: Database, settings: Settings) -> str:
    """The first admin's token: ``ADMIN_TOKEN`` if set, else the one in ``<data_dir>/admin-token``, made if missing.

    The database knows it afterwards, and earlier ones are revoked. A token that was revoked by hand
    is replaced by a new one in the file; as ``ADMIN_TOKEN`` it is a ConfigurationError.
    """
    path = settings.data_dir / ADMIN_TOKEN_FILE
    secret = settings.admin_token or _read(path) or _write_new(path)
    with database.session() as tx:
        known = tx.scalar(select(ApiToken).where(ApiToken.token_hash == hash_of(secret)))
        if known is not None and known.revoked_at is not None:
            if settings.admin_token:
                raise ConfigurationError("ADMIN_TOKEN is a token that was revoked: set another one")
            path.unlink(missing_ok=True)
            secret, known = _write_new(path), None
        if known is None:
            actor = Actor(name="bootstrap")
            token = create_token(tx, user=BOOTSTRAP_USER, role=Role.ADMIN, actor=actor, secret=secret)
            for earlier in _bootstrap_tokens(tx, except_id=token.id):
                revoke_token(tx, earlier, actor=actor, why="another admin token was set")
    return secret


def _bootstrap_tokens(tx: Session, except_id: int) -> Sequence[int]:
    """Unrevoked tokens that an earlier bootstrap made; tokens that people made for a user ``admin`` don't count."""
    made = select(OperatorLogEntry.target).where(
        OperatorLogEntry.actor == "bootstrap", OperatorLogEntry.action == OperatorAction.TOKEN_CREATED.value
    )
    ids = [int(target) for target in tx.scalars(made)]
    query = select(ApiToken.id).where(ApiToken.id.in_(ids), ApiToken.id != except_id, ApiToken.revoked_at.is_(None))
    return tx.scalars(query).all()


def _read(path: Path) -> str | None:
    if not path.exists():
        return None
    return path.read_text().strip() or None


def _write_new(path: Path) -> str:
    """Make a token's file, readable by the owner only; whoever comes second reads the first one's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = TOKEN_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret + "\n")
    try:
        # A link appears complete or not at all, and never over another process's token.
        os.link(draft, path)
    except FileExistsError:
        return _read(path) or secret
    finally:
        draft.unlink()
    return secret
