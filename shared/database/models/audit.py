"""The heads of the audit's hash chains."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.base import Base

HASH_BYTES = 32
_CHAINED = text("chain_seq is not null")


def chain_index(table: str, *columns: str) -> Index:
    """One row for each place in a chain; ``columns`` tell the chains of a table apart."""
    name = f"uq_{table}_chain"
    return Index(name, *columns, "chain_seq", unique=True, postgresql_where=_CHAINED, sqlite_where=_CHAINED)


class AuditChain(Base):
    """One chain: the events of a queue, under the queue's name, or the operator log (``shared/database/chains.py``)."""

    __tablename__ = "audit_chains"
    __table_args__ = (CheckConstraint("anchor_seq >= 0 and seq >= anchor_seq", name="anchor_before_head"),)

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    """Of the newest row; 0 before the first one."""
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    anchor_seq: Mapped[int] = mapped_column(BigInteger)
    """Of the newest row that retention removed; what is left follows it."""
    anchor_hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    rows_before: Mapped[int] = mapped_column(BigInteger)
    """Rows that were there before the chain began, and have no place in it."""
