"""Tables of operations: what people did to queues, jobs and tokens, and the flows they asked for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.base import Base, BigId, JsonObject, utc_now
from shared.database.models.audit import HASH_BYTES, chain_index


class OperatorLogEntry(Base):
    """One action of an operator; rows are only ever added."""

    __tablename__ = "operator_log"
    __table_args__ = (
        CheckConstraint("action like '_%._%'", name="action_grammar"),
        CheckConstraint("actor <> ''", name="actor_given"),
        CheckConstraint("(chain_seq is null) = (chain_hash is null)", name="chain_whole"),
        chain_index("operator_log"),
        Index(None, "action", "id"),
        Index(None, "actor", "id"),
        Index(None, "target", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    actor: Mapped[str] = mapped_column(String(64))
    """The token's user, or the name of the system part that acted (``keeper``, ``cli``)."""
    token_id: Mapped[str | None] = mapped_column(String(64))
    """Text, since the environment's admin token has no row."""
    role: Mapped[str | None] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(64))
    """``noun.past-tense``, see ``shared.audit.OperatorAction``; open to newer versions' actions."""
    target: Mapped[str] = mapped_column(String(256))
    """What it was done to: a queue's key, a job's id, a token's id."""
    why: Mapped[str] = mapped_column(Text, default="")
    request_id: Mapped[str | None] = mapped_column(String(64))
    remote_address: Mapped[str | None] = mapped_column(String(64))
    details: Mapped[JsonObject] = mapped_column(default=dict)
    chain_seq: Mapped[int | None] = mapped_column(BigInteger)
    """Its place in the chain; null for rows older than the chain."""
    chain_hash: Mapped[bytes | None] = mapped_column(LargeBinary(HASH_BYTES))


class Flow(Base):
    """Jobs that wait for each other; their states are the engine's."""

    __tablename__ = "flows"
    __table_args__ = (Index(None, "created_at", "id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(128))
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    cancelled_at: Mapped[datetime | None]
    body_hash: Mapped[str | None] = mapped_column(String(64))
    """Of the request, if it had an Idempotency-Key: the id is made of that."""
    jobs: Mapped[list[JsonObject]]
    """Key, id, queue, name, dependsOn (keys), onDependencyFailure; those that wait before those they wait for."""
