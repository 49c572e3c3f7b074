"""Reading a request's JSON body, with a clear error for each way it can be wrong."""

from __future__ import annotations

from typing import Any

import orjson
from flask import g, request

from gateway.errors import Problem


def read_json(*, is_required: bool) -> Any:
    """The parsed body; an empty one is ``{}`` unless it is required.

    Raises Problem 400 (missing or not JSON), 415 (another content type) or werkzeug's 413.
    """
    raw = request.get_data(cache=True)
    if not raw:
        if is_required:
            raise Problem(400, "The body is missing: send a JSON object")
        g.body = {}
        return g.body
    content_type = request.environ.get("CONTENT_TYPE", "")
    if content_type != "application/json" and not request.is_json:
        message = f"The body must be JSON: send 'Content-Type: application/json' (got {content_type[:80] or 'none'})"
        raise Problem(415, message, headers={"Accept": "application/json"})
    try:
        g.body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    return g.body


def parsed_json() -> Any:
    """The body that ``read_json`` parsed in this request."""
    return g.body
