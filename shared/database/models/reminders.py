"""Table of the reminders service: what a retailer was reminded of, and on which day."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.base import Base, BigId, Json, name_of, one_of, utc_now
from shared.database.models.engine import JOB_ID_LENGTH
from shared.messages.reminders import ReminderType


class Reminder(Base):
    """A reminder that went out: at most one per retailer, type and business day."""

    __tablename__ = "reminders"
    __table_args__ = (
        one_of("type", ReminderType),
        UniqueConstraint("retailer_id", "type", "business_day"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    retailer_id: Mapped[int] = mapped_column(ForeignKey("retailers.id"))
    type: Mapped[ReminderType] = mapped_column(name_of(ReminderType, 16))
    business_day: Mapped[date]
    """The day of sending, in Kathmandu."""
    job_id: Mapped[str] = mapped_column(String(JOB_ID_LENGTH), unique=True)
    orders: Mapped[list[str]] = mapped_column(Json)
    """The numbers of the orders it named."""
    sent_at: Mapped[datetime] = mapped_column(default=utc_now)
