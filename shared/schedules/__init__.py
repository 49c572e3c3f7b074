"""Schedules: jobs and housekeeping by calendar or interval, each run once however many schedulers there are.

One run's way: ``ScheduleRunner`` finds a schedule whose time has come and claims the run (``claim.lua``), which moves
the schedule to its next time and notes the run under a lease in the same step. Then it enqueues the job, whose id is
made of the schedule's id and the due time, and confirms the run (``confirm.lua``). Killed

- before the claim: the schedule is still due, and any scheduler claims it;
- after the claim: the run is taken over when its lease ends, and enqueued as it was claimed;
- after the enqueue: the run is taken over too; its job is known by its id and not made again.

Housekeeping (a function of the scheduler process) runs under the same claim, its lease renewed while it runs. It is
begun again if its process dies, so each function must bear being repeated.

A schedule has at most one run under way. Times missed in the meantime (no scheduler ran, or the run before was still
under way) are caught up by one run, due at the first of them.
"""

from shared.schedules.model import Housekeeping, LastRun, Run, Schedule, ScheduledJob
from shared.schedules.runner import ScheduleRunner
from shared.schedules.store import Entry, ScheduleStore
from shared.schedules.timing import Cron, Interval, Timing, time_zone

__all__ = [
    "Cron",
    "Entry",
    "Housekeeping",
    "Interval",
    "LastRun",
    "Run",
    "Schedule",
    "ScheduleRunner",
    "ScheduleStore",
    "ScheduledJob",
    "Timing",
    "time_zone",
]
