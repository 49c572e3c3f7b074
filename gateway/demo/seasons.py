"""When shops order: much before Dashain and Tihar, little in the monsoon, most after the first of the Nepali month.

The calendar counts demand, not days: a shop orders whenever a certain amount of it has gone by, so that its orders
lie closer together in October than in July.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from itertools import accumulate

from shared.clock import BUSINESS_ZONE

# Dashain and Tihar move between the middle of September and that of November.
_OF_MONTH = (0.90, 0.94, 1.00, 1.10, 1.00, 0.90, 0.80, 0.92, 1.30, 1.55, 1.25, 0.92)
# Monday first; Saturday is the day of rest.
_OF_WEEKDAY = (1.05, 1.05, 1.0, 1.0, 1.1, 0.35, 1.25)
# Nepali months begin between the 14th and the 17th of ours; wages are paid and shelves filled then.
_MONTH_BEGINS = range(14, 20)
_MONTH_ENDS = range(8, 14)
_AFTER_WAGES = 1.35
_BEFORE_WAGES = 0.8
_OPENS = time(7, 30)
_OPEN_FOR = timedelta(hours=12)


def demand_on(day: date) -> float:
    """How much is ordered on ``day``, where 1 is an ordinary one."""
    of_day = _AFTER_WAGES if day.day in _MONTH_BEGINS else _BEFORE_WAGES if day.day in _MONTH_ENDS else 1.0
    return _OF_MONTH[day.month - 1] * _OF_WEEKDAY[day.weekday()] * of_day


class Seasons:
    """The demand of the days from ``first`` to the one before ``end``, added up; a position in it is an instant."""

    def __init__(self, first: date, end: date) -> None:
        self._first = first
        days = (end - first).days
        demand = [demand_on(first + timedelta(days=day)) for day in range(days)]
        self._until = [0.0, *accumulate(demand)]

    @property
    def end(self) -> float:
        """The position at which the last day ends."""
        return self._until[-1]

    def position_of(self, day: date) -> float:
        """Where ``day`` begins; the first day's for one before it."""
        return self._until[min(max(0, (day - self._first).days), len(self._until) - 1)]

    def instant(self, position: float) -> datetime:
        """When that much demand has gone by, at an hour at which shops are open; in Kathmandu's time.

        ``position`` lies in [0, end).
        """
        index = bisect_right(self._until, position) - 1
        share = (position - self._until[index]) / (self._until[index + 1] - self._until[index])
        opens = datetime.combine(self._first + timedelta(days=index), _OPENS, BUSINESS_ZONE)
        return opens + timedelta(seconds=int(share * _OPEN_FOR.total_seconds()))
