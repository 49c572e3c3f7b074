"""Reading a request's JSON body, with a clear error for each way it can be wrong."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Request, g, request
from typing_extensions import override
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.errors import Problem


class BoundedRequest(Request):
    """A request whose body is never cut off silently: werkzeug ends a chunked one at the limit without a word."""

    @override
    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:
        """The whole body, or werkzeug's 413."""
        data = super().get_data(cache=cache, as_text=False, parse_form_data=parse_form_data)
        limit = self.max_content_length
        if self.content_length is None and limit is not None and len(data) >= limit:
            raise RequestEntityTooLarge
        return data.decode(errors="replace") if as_text else data


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
