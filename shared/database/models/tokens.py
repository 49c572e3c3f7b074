"""Tables of the gateway: API tokens."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.base import Base, BigId, one_of, utc_now

TOKEN_ROLES = ("viewer", "operator", "admin")


class ApiToken(Base):
    """A token's hash and rights; the token itself is shown once and never stored."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        one_of("role", TOKEN_ROLES),
        CheckConstraint("length(token_hash) = 64", name="token_hash_is_sha256"),
        CheckConstraint("user_name <> ''", name="user_name_given"),
        CheckConstraint("expires_at is null or expires_at > created_at", name="expires_after_creation"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_name: Mapped[str] = mapped_column(String(64), index=True)
    """Whose token it is: the owner of the reports asked for with it, the actor in the operator log."""
    role: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token, lower-case hex."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class ClientLimitRow(Base):
    """The limit of each token of one user, where it differs from CLIENT_RATE_LIMIT."""

    __tablename__ = "client_limits"
    __table_args__ = (
        CheckConstraint("requests_per_minute >= 0", name="requests_per_minute_not_negative"),
        CheckConstraint("user_name <> ''", name="user_name_given"),
    )

    user_name: Mapped[str] = mapped_column(String(64), primary_key=True)
    requests_per_minute: Mapped[int]
    """0 is no limit."""
    set_by: Mapped[str] = mapped_column(String(64))
    set_at: Mapped[datetime] = mapped_column(default=utc_now)
    reason: Mapped[str] = mapped_column(String(500), default="")
