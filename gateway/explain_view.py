"""Why a job is not running, as JSON; groups and error texts are masked."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.answers import Json
from gateway.context import current_gateway
from shared.broker.states import State
from shared.clock import to_iso
from shared.explaining import Code, Explanation, Reason, explain
from shared.privacy import mask, mask_text
from shared.queues import Queue

_TIME = "_at_ms"


class WaitingReasonSchema(Schema):
    """One reason: a code, a sentence, and what the sentence is made of."""

    code = fields.String(required=True, validate=validate.OneOf([code.value for code in Code]))
    message = fields.String(required=True)
    details = fields.Dict(required=True)


class ExplanationSchema(Schema):
    """Why the job is in its state; ``estimatedStartAt`` is null where nobody can say; ``estimate`` says how or why."""

    job_id = fields.String(required=True, data_key="jobId")
    queue = fields.String(required=True, validate=validate.OneOf(list(Queue.__members__)))
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    reasons = fields.List(fields.Nested(WaitingReasonSchema), required=True)
    position = fields.Integer(required=True, allow_none=True)
    estimated_start_at = fields.DateTime(required=True, allow_none=True, data_key="estimatedStartAt")
    estimate = fields.String(required=True)


def explain_job(job_id: str) -> Json:
    """The explanation of one job. Raises ``JobNotFound`` or ``RedisUnavailable``."""
    gateway = current_gateway()
    return explanation_view(explain(gateway.broker.scripts, gateway.store, job_id))


def explanation_view(found: Explanation) -> Json:
    """The explanation with times as ISO 8601."""
    return {
        "jobId": found.job_id,
        "queue": found.queue.name,
        "state": found.state,
        "reasons": [_reason(reason) for reason in found.reasons],
        "position": found.position,
        "estimatedStartAt": None if found.starts_at_ms is None else to_iso(found.starts_at_ms),
        "estimate": found.estimate,
    }


def _reason(reason: Reason) -> Json:
    details = dict(_detail(name, value) for name, value in reason.details.items())
    return {"code": reason.code, "message": mask_text(reason.message), "details": mask(details)}


def _detail(name: str, value: Any) -> tuple[str, Any]:
    if name.endswith(_TIME):
        return _camel(name.removesuffix("_ms")), None if value is None else to_iso(value)
    return _camel(name), value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
