"""Table of the reports service: what was asked for, and where its file is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.business import ReportState
from shared.database.base import Base, BigId, Json, JsonObject, name_of, one_of, utc_now
from shared.database.models.engine import JOB_ID_LENGTH
from shared.database.models.platform import CODE_LENGTH, EMAIL_LENGTH
from shared.messages.reports import ReportFormat, ReportType

_READY = text("state = 'READY'")


class Report(Base):
    """A report of one owner; a READY one has a file with a checksum and an expiry."""

    __tablename__ = "reports"
    __table_args__ = (
        one_of("type", ReportType),
        one_of("format", ReportFormat),
        one_of("state", ReportState),
        CheckConstraint("owner <> ''", name="owner_given"),
        CheckConstraint(
            "state <> 'READY' or (location is not null and checksum is not null and size_bytes is not null"
            " and row_count is not null and expires_at is not null)",
            name="ready_has_file",
        ),
        CheckConstraint("(state = 'PENDING') = (finished_at is null)", name="finished_has_time"),
        CheckConstraint("length(checksum) = 64", name="checksum_is_sha256"),
        CheckConstraint("size_bytes >= 0 and row_count >= 0", name="counts_not_negative"),
        CheckConstraint("expires_at > created_at", name="expires_after_creation"),
        Index(None, "owner", "id"),
        Index("ix_reports_expiring", "expires_at", postgresql_where=_READY, sqlite_where=_READY),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[str] = mapped_column(String(JOB_ID_LENGTH), unique=True)
    type: Mapped[ReportType] = mapped_column(name_of(ReportType, 32))
    format: Mapped[ReportFormat] = mapped_column(name_of(ReportFormat, 8))
    filters: Mapped[JsonObject] = mapped_column(Json)
    owner: Mapped[str] = mapped_column(String(CODE_LENGTH))
    email: Mapped[str | None] = mapped_column(String(EMAIL_LENGTH))
    state: Mapped[ReportState] = mapped_column(name_of(ReportState, 16), default=ReportState.PENDING)
    location: Mapped[str | None] = mapped_column(Text)
    checksum: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the file, lower-case hex."""
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    row_count: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
