"""When a schedule is due: a cron expression in a time zone, or an interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

CRON_LENGTH = 100
CRON_FIELDS = 5
SHORTEST_INTERVAL_MS = 1_000
LONGEST_INTERVAL_MS = 366 * 24 * 60 * 60 * 1000

_MILLISECOND = timedelta(milliseconds=1)
_SAMPLE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields (minute, hour, day of month, month, day of week) read in a time zone, as Debian's cron does.

    Where the clock is set forward, a time that doesn't exist that day comes right after the gap. Where it is set
    back, a fixed time comes once, at its first occurrence; an expression whose minute or hour begins with ``*``
    follows the time that passes, so ``*/15 * * * *`` comes every 15 minutes through both.
    """

    expression: str
    zone: str

    def __post_init__(self) -> None:
        """Raises ValueError that says what is wrong with the expression or the zone."""
        time_zone(self.zone)
        if len(self.expression) > CRON_LENGTH or len(self.expression.split()) != CRON_FIELDS:
            raise ValueError("must have five fields: minute, hour, day of month, month, day of week")
        try:
            next(CronSim(self.expression, _SAMPLE))
        except CronSimError as error:
            field = str(error).removeprefix("Bad ")
            raise ValueError(f"has a wrong {field}: {self.expression!r}") from error
        except StopIteration:
            raise ValueError(f"never comes: {self.expression!r}") from None

    def next_after(self, instant: datetime) -> datetime:
        """The first due time later than ``instant``, UTC."""
        # Between the two occurrences of an hour that the clock repeats, cronsim begins at the first one.
        for found in CronSim(self.expression, instant.astimezone(time_zone(self.zone))):
            due = found.astimezone(UTC)
            if due > instant:
                return due
        raise ValueError(f"never comes again: {self.expression!r}")


@dataclass(frozen=True, slots=True)
class Interval:
    """Every ``every_ms`` counted from ``start``; the time zone has no say."""

    every_ms: int
    start: datetime

    def next_after(self, instant: datetime) -> datetime:
        """The first due time later than ``instant``, UTC; ``start`` itself isn't one."""
        every = timedelta(milliseconds=self.every_ms)
        passed = max((instant - self.start) // every, 0)
        return self.start + (passed + 1) * every


Timing = Cron | Interval


@cache
def time_zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises ValueError that names the nearest known one."""
    if name not in _zones():
        nearest = get_close_matches(name[:64], _zones(), n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise ValueError(f"is not a time zone, such as Asia/Kathmandu{hint}")
    return ZoneInfo(name)


def to_ms(instant: datetime) -> int:
    """Epoch milliseconds, exact."""
    return (instant - datetime.fromtimestamp(0, UTC)) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """The instant of epoch milliseconds, exact."""
    return datetime.fromtimestamp(0, UTC) + milliseconds * _MILLISECOND


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
