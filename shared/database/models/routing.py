"""Tables of routing: the offers made to vendors, why they were chosen, and what is known of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.business import OfferState
from shared.database.base import Base, BigId, JsonObject, JsonTable, name_of, one_of, utc_now
from shared.database.models.engine import JOB_ID_LENGTH

_PENDING = text("state = 'PENDING'")
_ACCEPTED = text("state = 'ACCEPTED'")


class VendorOffer(Base):
    """An order offered to a vendor: once per vendor, one at a time, accepted by one."""

    __tablename__ = "vendor_offers"
    __table_args__ = (
        CheckConstraint("attempt >= 1", name="attempt_positive"),
        CheckConstraint("score_hundredths between 0 and 10000", name="score_in_range"),
        one_of("state", OfferState),
        CheckConstraint("deadline > offered_at", name="deadline_after_offer"),
        CheckConstraint("state <> 'PENDING' or answered_at is null", name="pending_has_no_answer"),
        CheckConstraint("state not in ('ACCEPTED', 'REJECTED') or answered_at is not null", name="answer_has_time"),
        UniqueConstraint("order_id", "vendor_id"),
        Index("uq_vendor_offers_pending", "order_id", unique=True, postgresql_where=_PENDING, sqlite_where=_PENDING),
        Index("uq_vendor_offers_accepted", "order_id", unique=True, postgresql_where=_ACCEPTED, sqlite_where=_ACCEPTED),
        Index("ix_vendor_offers_deadline", "deadline", postgresql_where=_PENDING, sqlite_where=_PENDING),
        Index(None, "vendor_id", "offered_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    vendor_id: Mapped[int] = mapped_column(ForeignKey("vendors.id"))
    attempt: Mapped[int]
    score_hundredths: Mapped[int | None]
    """Of the routing that chose the vendor, 0 to 10000; null if somebody named it."""
    state: Mapped[OfferState] = mapped_column(name_of(OfferState, 16), default=OfferState.PENDING)
    offered_at: Mapped[datetime]
    deadline: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)


class RoutingDecision(Base):
    """All candidates of one routing with their scores, and a sentence that explains the choice."""

    __tablename__ = "routing_decisions"
    __table_args__ = (
        CheckConstraint("attempt >= 1", name="attempt_positive"),
        CheckConstraint("explanation <> ''", name="explanation_given"),
        Index(None, "order_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    attempt: Mapped[int]
    job_id: Mapped[str] = mapped_column(String(JOB_ID_LENGTH), unique=True)
    candidates: Mapped[list[JsonObject]] = mapped_column(JsonTable())
    chosen_vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.id"))
    explanation: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(default=utc_now)


class VendorRecord(Base):
    """What a vendor did with the offers and orders of the last 180 days before ``as_of``.

    ``offers`` were answered or expired; ``delivered`` of the ``accepted`` orders reached the retailer, ``timed`` of
    them in ``delivery_seconds`` together; ``cancelled`` of them the vendor called off.
    """

    __tablename__ = "vendor_records"
    __table_args__ = (
        CheckConstraint("offers_accepted between 0 and offers", name="offers_consistent"),
        CheckConstraint("timed between 0 and delivered and delivered <= accepted", name="deliveries_consistent"),
        CheckConstraint("cancelled between 0 and accepted", name="cancellations_consistent"),
    )

    vendor_id: Mapped[int] = mapped_column(ForeignKey("vendors.id"), primary_key=True, autoincrement=False)
    offers: Mapped[int]
    offers_accepted: Mapped[int]
    accepted: Mapped[int]
    delivered: Mapped[int]
    timed: Mapped[int]
    delivery_seconds: Mapped[int] = mapped_column(BigInteger)
    cancelled: Mapped[int]
    as_of: Mapped[datetime]
