"""Which jobs an action is for."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import ValidationError

from shared.broker.states import State
from shared.database.models import BulkAction
from shared.job_filter import JobFilter, Key, Term
from shared.queues import POLICIES, Queue

SUITABLE: Mapping[BulkAction, tuple[State, ...]] = {
    BulkAction.RETRY: (State.FAILED,),
    BulkAction.PROMOTE: (State.DELAYED,),
    BulkAction.REMOVE: (State.WAITING, State.DELAYED, State.FAILED, State.COMPLETED, State.CANCELLED),
    BulkAction.MOVE: (State.WAITING, State.DELAYED, State.FAILED),
}
"""The states from which each action is possible."""


def suitable(action: BulkAction, wanted: JobFilter, target: Queue | None) -> JobFilter:
    """The filter narrowed to jobs that the action is for.

    Raises ValidationError for a filter that asks for all there is, for jobs in states that the action isn't for, or
    for jobs that the target queue doesn't know.
    """
    if not wanted.terms:
        raise ValidationError({"filter": ["must have a term: an empty one would mean every job"]})
    states = SUITABLE[action]
    asked = [State(state) for state in wanted.wanted(Key.STATE)]
    if wrong := [state for state in asked if state not in states]:
        words = f"asks for jobs that are {', '.join(wrong)}; {action} is for jobs that are {', '.join(states)}"
        raise ValidationError({"filter": [words]})
    if target is not None:
        _check_names(wanted, target)
    if asked:
        return wanted
    return JobFilter((*wanted.terms, Term(Key.STATE, tuple(state.value for state in states))))


def movable_names(target: Queue) -> set[str]:
    """Names of jobs that the target queue runs and that another queue knows too."""
    others = {name for queue, policy in POLICIES.items() if queue is not target for name in policy.job_names}
    return others & set(POLICIES[target].job_names)


def _check_names(wanted: JobFilter, target: Queue) -> None:
    names = movable_names(target)
    asked = set(wanted.wanted(Key.NAME))
    if not names or (asked and not asked & names):
        known = ", ".join(POLICIES[target].job_names)
        words = f"{target.name} runs {known} only, and no other queue has such jobs: enqueue them there anew instead"
        raise ValidationError({"queue": [words]})
