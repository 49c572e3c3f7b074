"""How an order goes from state to state, and when; the demo's orders need no job that still has to run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random

from shared.business import OrderState
from shared.messages.orders import CancelledBy

_OPENS = time(8, 0)
_CLOSES = time(20, 0)
_ABANDONED = 0.008
_NEVER_COMPLETED = 0.06
_BY_VENDOR = 0.012
_CHANGED_MIND = 0.02
_NO_VENDOR = 0.006
_BEFORE_DISPATCH = 0.7
_OVER_LIMIT_WAITS = (20, 60)

REASONS = {
    CancelledBy.RETAILER: (
        "Found the goods cheaper elsewhere",
        "Ordered by mistake",
        "Delivery takes too long",
        "Goods came damaged and were refused",
    ),
    CancelledBy.VENDOR: ("Out of stock", "Cannot deliver to this place", "Price was wrong"),
    CancelledBy.PLATFORM: ("No vendor could take the order", "Credit limit exceeded"),
}


@dataclass(frozen=True, slots=True)
class Life:
    """The states that an order reached, as times; None for one that it didn't. In Kathmandu's time."""

    created_at: datetime
    confirmed_at: datetime | None = None
    accepted_at: datetime | None = None
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: CancelledBy | None = None
    reason: str | None = None

    @property
    def state(self) -> OrderState:
        """The last one that it reached."""
        if self.cancelled_at:
            return OrderState.CANCELLED
        if self.completed_at:
            return OrderState.COMPLETED
        if self.delivered_at:
            return OrderState.DELIVERED
        if self.dispatched_at:
            return OrderState.DISPATCHED
        return OrderState.ACCEPTED if self.accepted_at else OrderState.DRAFT


def live(draw: Random, created_at: datetime, *, same_city: bool, cancels: float, until: datetime) -> Life:
    """The life of an order up to ``until``; the retailer cancels it with chance ``cancels`` after its acceptance.

    One that nobody would have accepted by then is still a draft: CONFIRMED and VENDOR_ASSIGNED wait for jobs.
    """
    if draw.random() < _ABANDONED:
        return Life(created_at)
    confirmed_at = created_at + timedelta(seconds=draw.randint(100, 2_700))
    early = _cancelled_early(draw, created_at, confirmed_at)
    if early is not None:
        return early if _ended(early) <= until else Life(created_at)
    accepted_at = at_work(draw, confirmed_at + timedelta(minutes=4 + draw.expovariate(1 / 70)))
    if accepted_at > until:
        return Life(created_at)
    dispatched_at = at_work(draw, accepted_at + timedelta(hours=draw.uniform(2, 26)))
    hours = draw.uniform(2, 12) if same_city else draw.uniform(14, 48)
    delivered_at = at_work(draw, dispatched_at + timedelta(hours=hours))
    completed_at = at_work(draw, delivered_at + timedelta(hours=draw.uniform(5, 72)))
    chance = draw.random()
    if chance < cancels + _BY_VENDOR:
        by = CancelledBy.RETAILER if chance < cancels else CancelledBy.VENDOR
        cancelled = _cancelled(draw, Life(created_at, confirmed_at, accepted_at), dispatched_at, delivered_at, by)
        if _ended(cancelled) <= until:
            return cancelled
    is_left = draw.random() < _NEVER_COMPLETED
    return Life(
        created_at,
        confirmed_at,
        accepted_at,
        dispatched_at if dispatched_at <= until else None,
        delivered_at if delivered_at <= until else None,
        completed_at if completed_at <= until and not is_left else None,
    )


def over_the_limit(draw: Random, created_at: datetime, *, until: datetime) -> Life:
    """A draft that the credit limit doesn't allow, which the platform clears away after a day or two."""
    cancelled_at = created_at + timedelta(hours=draw.uniform(*_OVER_LIMIT_WAITS))
    if cancelled_at > until:
        return Life(created_at)
    by = CancelledBy.PLATFORM
    return Life(created_at, cancelled_at=_whole(cancelled_at), cancelled_by=by, reason=REASONS[by][1])


def at_work(draw: Random, instant: datetime) -> datetime:
    """``instant``, or the next morning if nobody works then; in whole seconds."""
    if _OPENS <= instant.time() < _CLOSES:
        return _whole(instant)
    day = instant.date() + timedelta(days=instant.time() >= _CLOSES)
    opens = datetime.combine(day, _OPENS, instant.tzinfo)
    return opens + timedelta(seconds=draw.randint(60, 5_400))


def _cancelled_early(draw: Random, created_at: datetime, confirmed_at: datetime) -> Life | None:
    chance = draw.random()
    if chance >= _CHANGED_MIND + _NO_VENDOR:
        return None
    if chance < _CHANGED_MIND:
        by, reason, hours = CancelledBy.RETAILER, draw.choice(REASONS[CancelledBy.RETAILER][:3]), draw.uniform(0.2, 2)
    else:
        by, reason, hours = CancelledBy.PLATFORM, REASONS[CancelledBy.PLATFORM][0], draw.uniform(2, 5)
    cancelled_at = _whole(confirmed_at + timedelta(hours=hours))
    return Life(created_at, confirmed_at, cancelled_at=cancelled_at, cancelled_by=by, reason=reason)


def _cancelled(draw: Random, accepted: Life, dispatched_at: datetime, delivered_at: datetime, by: CancelledBy) -> Life:
    """Cancelled between acceptance and dispatch, or by the retailer at the door."""
    if by is CancelledBy.VENDOR or draw.random() < _BEFORE_DISPATCH:
        start, end, dispatched = accepted.accepted_at or accepted.created_at, dispatched_at, None
        reason = draw.choice(REASONS[by][:3])
    else:
        start, end, dispatched = dispatched_at, delivered_at, dispatched_at
        reason = REASONS[by][3]
    cancelled_at = _whole(start + (end - start) * draw.uniform(0.2, 1))
    return Life(
        accepted.created_at,
        accepted.confirmed_at,
        accepted.accepted_at,
        dispatched,
        cancelled_at=cancelled_at,
        cancelled_by=by,
        reason=reason,
    )


def _ended(life: Life) -> datetime:
    return life.cancelled_at or life.created_at


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
