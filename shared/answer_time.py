"""How long a vendor has to answer an offer: two hours of the business day in Kathmandu."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from shared.clock import BUSINESS_ZONE

ANSWER_TIME = timedelta(hours=2)
OPENS, CLOSES = time(8), time(20)


def answer_deadline(offered_at: datetime) -> datetime:
    """When an offer's two hours are over, counted between 08:00 and 20:00 in Kathmandu only; UTC."""
    local = offered_at.astimezone(BUSINESS_ZONE)
    opens, closes = (datetime.combine(local.date(), at, BUSINESS_ZONE) for at in (OPENS, CLOSES))
    start = max(local, opens)
    if start + ANSWER_TIME <= closes:
        return (start + ANSWER_TIME).astimezone(UTC)
    left = ANSWER_TIME - max(timedelta(), closes - start)
    return (opens + timedelta(days=1) + left).astimezone(UTC)
