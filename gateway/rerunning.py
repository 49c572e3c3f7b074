"""Running an ended job again with other data, as a new job: its own id, its own attempts, its own effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError
from typing_extensions import override

from gateway.job_requests import any_job
from gateway.operator_requests import REASON_LENGTH
from shared.broker.options import NewJob
from shared.errors import WrongState
from shared.job_records import Job
from shared.messages import ContractSchema
from shared.messages.fields import Text, Value
from shared.privacy import mask

KEPT_OPTIONS = ("attempts", "backoff", "timeout", "priority", "language")
"""Options that the new job has from the old one; a delay is over, and a key would only find the old one."""


class JsonObject(Value[dict[str, Any]]):
    """Any JSON object; the job's own schema reads it."""

    @override
    def describe(self) -> dict[str, Any]:
        return {"type": "object", "example": {"retailerId": "RET001", "trigger": "manual"}}

    @override
    def read(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("must be a JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Rerun:
    """The new data; None: the same as before."""

    data: dict[str, Any] | None
    reason: str | None


class RerunSchema(ContractSchema):
    """``{data?, reason?}``."""

    TARGET = Rerun
    data = JsonObject(required=False)
    reason = Text(REASON_LENGTH, required=False)


def new_job_from(job: Job, data: Mapping[str, Any] | None) -> NewJob:
    """The job to enqueue. Raises ``WrongState`` for an unfinished job, a Problem 422 that names each wrong field.

    What ``data`` holds as the API masks it (``***00``) stays as it was: so an editor needn't see what it keeps.
    """
    if not job.state.is_finished:
        raise WrongState(f"job {job.id} is {job.state}; only ended jobs can be run again with other data")
    chosen = job.data if data is None else unmasked(job.data, mask(job.data), data)
    options = {name: job.options[name] for name in KEPT_OPTIONS if name in job.options}
    return any_job(job.queue.name, {"name": job.name, "data": chosen, "options": {**options, "deduplicate": False}})


def unmasked(original: Any, masked: Any, edited: Any) -> Any:
    """``edited`` with what still reads as ``masked`` put back to what it hides."""
    if edited == masked:
        return original
    if isinstance(edited, Mapping) and isinstance(original, Mapping):
        return {
            key: unmasked(original[key], masked[key], value) if key in original else value
            for key, value in edited.items()
        }
    if isinstance(edited, list) and isinstance(original, list):
        rest = edited[len(original) :]
        return [*map(unmasked, original, masked, edited), *rest]
    return edited
