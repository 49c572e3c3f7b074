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
