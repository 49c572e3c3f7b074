"""Reading the requests for reports, and the shape of what is told about one."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from marshmallow import Schema, fields, validate
from typing_extensions import override

from gateway.context import current_caller
from gateway.job_requests import JobRequest
from gateway.report_owners import check_owner
from gateway.schemas import OptionsSchema
from shared.broker.options import NewJob
from shared.business import ReportState
from shared.messages import GenerateReport
from shared.messages.fields import Id
from shared.messages.reports import GenerateReportSchema, ReportFormat, ReportType


class _GenerateReportRequestSchema(GenerateReportSchema):
    user_id = Id(required=False)
    options = fields.Nested(OptionsSchema, data_key="options")


class ReportRequest(JobRequest):
    """Reads ``{type, format, filters, userId, email, options}``; the user is the token's unless an admin names one."""

    def __init__(self) -> None:
        super().__init__(GenerateReport)

    @cached_property
    @override
    def schema(self) -> Schema:
        """The message's fields without having to name the user, and ``options``, for the OpenAPI document."""
        return _GenerateReportRequestSchema()

    @override
    def read(self, data: Any) -> NewJob:
        """The job, not enqueued yet. Raises Problem 422, or 403 for somebody else's report."""
        if isinstance(data, dict) and data.get("userId") is None:
            data = {**data, "userId": current_caller().user}
        return check_owner(super().read(data))


class ReportSchema(Schema):
    """A report on its way or with its file; ``progress`` in per cent."""

    job_id = fields.String(required=True, data_key="jobId")
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in ReportState]))
    type = fields.String(required=True, validate=validate.OneOf([kind.value for kind in ReportType]))
    format = fields.String(required=True, validate=validate.OneOf([kind.value for kind in ReportFormat]))
    filters = fields.Dict(required=True)
    owner = fields.String(required=True)
    progress = fields.Integer(required=True)
    row_count = fields.Integer(required=True, allow_none=True, data_key="rowCount")
    size = fields.Integer(required=True, allow_none=True, metadata={"description": "bytes"})
    checksum = fields.String(required=True, allow_none=True, metadata={"description": "SHA-256, hexadecimal"})
    created_at = fields.DateTime(required=True, data_key="createdAt")
    finished_at = fields.DateTime(required=True, allow_none=True, data_key="finishedAt")
    expires_at = fields.DateTime(required=True, allow_none=True, data_key="expiresAt")
    error = fields.Dict(required=True, allow_none=True)
