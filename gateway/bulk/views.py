"""Bulk operations as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.answers import Json
from gateway.bulk.trial import Trial
from gateway.job_views import job_summary
from gateway.row_views import instant
from shared.clock import to_iso
from shared.database.models import BulkItem, BulkOperation, BulkOutcome
from shared.privacy import mask_text

_CONFLICT = 409


def trial_view(trial: Trial) -> Json:
    """What a dry run found."""
    return {
        "matched": trial.matched,
        "isComplete": trial.is_complete,
        "states": {state.value: count for state, count in trial.states.items()},
        "queues": {queue.name: count for queue, count in trial.queues.items()},
        "refused": [{"why": why, "count": count} for why, count in trial.refused.items() if count],
        "sample": [job_summary(job) for job in trial.sample],
    }


def operation_view(operation: BulkOperation) -> Json:
    """An operation and how far it is; its filter shows no phone."""
    return {
        "id": operation.id,
        "action": operation.action.value,
        "filter": mask_text(operation.filter),
        "queue": None if operation.target is None else operation.target.name,
        "reason": mask_text(operation.reason),
        "requestedBy": operation.requested_by,
        "perMinute": operation.per_minute,
        "maxErrorRate": operation.max_error_percent / 100,
        "state": operation.state.value,
        "stopReason": operation.stop_reason,
        "expected": operation.expected,
        "done": operation.done,
        "refused": operation.refused,
        "restored": operation.restored,
        "lost": operation.lost,
        "startedAt": to_iso(operation.started_ms),
        "finishedAt": instant(operation.finished_at),
    }


def whole_operation(operation: BulkOperation, told: Sequence[BulkItem], restorable: int) -> Json:
    """An operation with the jobs that were refused, or not restored (409), and how many an undo would bring back."""
    return {**operation_view(operation), "restorable": restorable, "problems": [_problem(item) for item in told]}


def _problem(item: BulkItem) -> Json:
    shown: Json = {"jobId": item.job_id, "outcome": item.outcome.value, "why": mask_text(item.why or "")}
    return {**shown, "status": _CONFLICT} if item.outcome is BulkOutcome.LOST else shown
