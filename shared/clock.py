"""Time in one place: UTC instants, and the business day in Kathmandu.

Leases and delays never use this clock; they use Redis time (``TIME``).
``CLOCK_OFFSET`` shifts business dates in development.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

BUSINESS_ZONE = ZoneInfo("Asia/Kathmandu")


def business_day(instant: datetime) -> date:
    """The date in Kathmandu at that instant."""
    return instant.astimezone(BUSINESS_ZONE).date()


class Clock:
    """The wall clock, shifted by ``offset`` in development and tests."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """The current instant, UTC and zone-aware."""
        return datetime.now(UTC) + self._offset

    def today(self) -> date:
        """The business day: the date in Kathmandu."""
        return business_day(self.now())


def to_iso(milliseconds: int) -> str:
    """Epoch milliseconds as ISO 8601 UTC with milliseconds: ``2026-11-24T05:43:00.120Z``."""
    instant = datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_ms(milliseconds: int) -> datetime:
    """The instant of epoch milliseconds, UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
