"""Table of the credit service: every score that was calculated, and from what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database.base import Base, BigId, Json, JsonObject, name_of, one_of, utc_now
from shared.database.models.engine import JOB_ID_LENGTH
from shared.messages.credit import Trigger


class CreditScore(Base):
    """A retailer's score at a time, with its components and their reasons."""

    __tablename__ = "credit_scores"
    __table_args__ = (
        CheckConstraint("score between 300 and 900", name="score_in_range"),
        CheckConstraint("band <> ''", name="band_given"),
        CheckConstraint("explanation <> ''", name="explanation_given"),
        one_of("trigger", Trigger),
        Index(None, "retailer_id", "calculated_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    retailer_id: Mapped[int] = mapped_column(ForeignKey("retailers.id"))
    score: Mapped[int]
    band: Mapped[str] = mapped_column(String(16))
    trigger: Mapped[Trigger] = mapped_column(name_of(Trigger, 32))
    components: Mapped[JsonObject] = mapped_column(Json)
    explanation: Mapped[str] = mapped_column(Text)
    job_id: Mapped[str] = mapped_column(String(JOB_ID_LENGTH), unique=True)
    calculated_at: Mapped[datetime] = mapped_column(default=utc_now)
