"""Reports: ask for one, see how far it is, download its file."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response

from gateway.answers import Answer, Json, accepted_body
from gateway.api import Routes, enqueues, requires
from gateway.enqueueing import enqueue
from gateway.report_download import download_of
from gateway.report_reading import find_report, report_view
from gateway.report_requests import ReportRequest, ReportSchema
from gateway.roles import Scope
from gateway.schemas import AcceptedSchema
from shared.broker.options import NewJob
from shared.storage import CONTENT_TYPES

PATH = "/api/v1/reports"

routes = Routes("reports", __name__, url_prefix=PATH)

_EXAMPLE = {
    "type": "OUTSTANDING_LIABILITY",
    "format": "pdf",
    "filters": {"city": "Kathmandu", "overdueOnly": True},
    "email": "accounts@example.com",
}


@routes.post("")
@routes.arguments(ReportRequest(), example=_EXAMPLE)
@routes.response(202, AcceptedSchema, "The report will be made")
@requires(Scope.JOBS_WRITE)
@enqueues
def ask_for_report(job: NewJob) -> Answer:
    """Make a report for the token's user; with email it is sent there too. For another userId it takes an admin."""
    made = enqueue(job)
    return Answer(accepted_body(made), {"Location": f"{PATH}/{quote(made.job_id)}"})


@routes.get("/<job_id>")
@routes.response(200, ReportSchema, "The report", problems=(404,))
@requires(Scope.JOBS_READ)
def show(job_id: str) -> Json:
    """Show how far a report is, and what there is to know of its file; only to its owner and to admins."""
    return report_view(find_report(job_id))


@routes.get("/<job_id>/download")
@routes.response(200, None, "The file", problems=(404, 409, 410), files=tuple(CONTENT_TYPES.values()))
@requires(Scope.JOBS_READ)
def download(job_id: str) -> Response:
    """Download a report's file; 409 until it is ready, 410 when its time is over."""
    return download_of(find_report(job_id))
