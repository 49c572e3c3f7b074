"""Whose reports a caller may ask for and look at: its own, or as an admin everybody's."""

from __future__ import annotations

from gateway.context import current_caller
from gateway.errors import Problem
from gateway.roles import Role
from shared.broker.options import NewJob
from shared.messages import GenerateReport


def is_allowed(owner: str) -> bool:
    """Whether the caller may see the reports of that user."""
    caller = current_caller()
    return caller.role is Role.ADMIN or caller.user == owner


def check_owner(job: NewJob) -> NewJob:
    """The job, unless it makes a report for somebody whose reports aren't the caller's to ask for: Problem 403."""
    is_report = (job.queue, job.name) == (GenerateReport.QUEUE, GenerateReport.JOB_NAME)
    if is_report and not is_allowed(job.data["userId"]):
        message = "A report for another user needs the role admin: leave userId out to get one of your own"
        raise Problem(403, message, {"userId": ["is not the user of this token"]})
    return job
