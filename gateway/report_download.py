"""The file of a report as an answer: streamed from the store, with its checksum as the entity tag."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

from flask import Response, request

from gateway.context import current_gateway
from gateway.errors import Problem
from gateway.report_reading import Found
from shared import logs
from shared.business import ReportState
from shared.clock import business_day
from shared.database.models import Report
from shared.storage import CONTENT_TYPES, download_name

CHUNK_BYTES = 64 * 1024

_log = logs.get_logger()


def download_of(found: Found) -> Response:
    """The file, or 304 to who has it. Raises Problem 409 while it isn't there and 410 once it is gone."""
    row, state = found.row, found.state
    if state is ReportState.EXPIRED:
        raise _gone(found, f"The file of report {found.job_id} has expired: ask for the report again")
    if row is None or state is not ReportState.READY or row.location is None:
        raise Problem(409, f"The report {found.job_id} is {state}", {"state": [state.value]}, code="report_not_ready")
    try:
        file = current_gateway().storage.open(row.location)
    except FileNotFoundError as error:
        message = "A report's file is missing in the store"
        _log.error("report.file_missing", message=message, job_id=found.job_id, location=row.location)
        raise _gone(found, f"The file of report {found.job_id} is gone: ask for the report again") from error
    response = Response(_chunks(file), headers=_headers(row), direct_passthrough=True)
    # Who hangs up before the first chunk leaves the file to this.
    response.call_on_close(file.close)
    response.set_etag(row.checksum or "")
    response.make_conditional(request, accept_ranges=False)
    return response


def _gone(found: Found, message: str) -> Problem:
    return Problem(410, message, {"state": [found.state.value]}, code="report_expired")


def _headers(row: Report) -> dict[str, str]:
    made_on = business_day(row.finished_at or row.created_at)
    digest = base64.b64encode(bytes.fromhex(row.checksum or "")).decode()
    return {
        "Content-Type": CONTENT_TYPES[row.format],
        "Content-Length": str(row.size_bytes),
        "Content-Disposition": f'attachment; filename="{download_name(row.type, row.format, made_on)}"',
        "Repr-Digest": f"sha-256=:{digest}:",
        # People's debts: for their reader's own cache at most, and a browser must not guess what they are.
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with closing(file):
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
