"""The daily sweep of payment reminders: one job for each retailer to remind, spread over the hour."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from gateway.housekeeping.parts import JOBS_AT_ONCE, Parts, job_id_of_day
from shared.broker.options import NewJob
from shared.messages.reminders import ReminderType, RemindRetailer
from shared.reminding.rules import spread_ms
from shared.reminding.sweep import ToRemind, to_remind


def remind_retailers(parts: Parts) -> str:
    """Ask for today's reminders.

    Their ids are made of the day and the retailer, so that a sweep that is repeated asks for nothing twice.
    """
    today = parts.settings.clock().today()
    with parts.database.reader() as tx:
        # A few dozen bytes a retailer; Redis is asked after the database, not within its transaction.
        found = list(to_remind(tx, today))
    jobs = (
        _job(parts, each, job_id_of_day("sweep", today, each.retailer_id), spread_ms(position, len(found)))
        for position, each in enumerate(found)
    )
    created = 0
    while batch := list(islice(jobs, JOBS_AT_ONCE)):
        created += sum(answer.created for answer in parts.jobs.enqueue_many(batch))
    of_type = Counter(each.type for each in found)
    named = ", ".join(f"{of_type[each]} {each}" for each in ReminderType)
    return f"{len(found)} retailers to remind ({named}), {created} new jobs"


def _job(parts: Parts, each: ToRemind, job_id: str, delay_ms: int) -> NewJob:
    # Without a key, which would cost a round trip each: of two reminders on a day the second is skipped anyway,
    # and somebody who asks for one now need not wait for this job's turn.
    options = {"jobId": job_id, "delay": delay_ms, "deduplicate": False}
    return parts.jobs.message_job(RemindRetailer(each.retailer_id, each.type), options)
