"""What the live pages see: the one shared look, and the stream that each page opens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from flask import Blueprint, Flask, Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from gateway.auth import Caller
from gateway.context import Gateway, current_gateway
from gateway.dashboard.live import Pulse, stream
from gateway.dashboard.pages import EVENT_STREAM
from gateway.dashboard.queues import live_texts
from gateway.queue_overview import overview
from shared.job_marks import job_marks

PULSE = "doko-pulse"
JOB = "job:"
MOST_ID = 200
_PREFIXES: Mapping[str, tuple[str, ...]] = {"queues": ("row:", "headline"), "job": (JOB,)}

logger = logging.getLogger(__name__)


def install(routes: Blueprint) -> None:
    """Add the stream."""
    routes.add_url_rule("/live", "live", live, methods=["GET"])


def live() -> Response:
    """Server-sent events of ``?screen=queues``, ``?screen=job&id=…`` or, for any other, of the connection alone."""
    pulse: Pulse = current_app.extensions[PULSE]
    job_id = request.args.get("id", "")[:MOST_ID] or None
    screen = request.args.get("screen", "")
    wanted = (f"{JOB}{job_id}",) if screen == "job" else _PREFIXES.get(screen, ())
    events = stream(
        pulse,
        _welcome(current_gateway(), g.caller),
        wants=lambda name: name.startswith(wanted),
        job_id=job_id if screen == "job" else None,
    )
    return Response(events, content_type=EVENT_STREAM, headers={"X-Accel-Buffering": "no"})


def pulse_of(app: Flask) -> Pulse:
    """The pulse of one gateway process."""
    gateway: Gateway = app.extensions["doko"]

    def look(jobs: frozenset[str]) -> dict[str, str]:
        with app.app_context():
            texts = live_texts(overview(gateway))
        marks = job_marks(gateway.broker.scripts.client, jobs)
        return texts | {f"{JOB}{job_id}": mark for job_id, mark in marks.items()}

    return Pulse(look)


def _welcome(gateway: Gateway, caller: Caller) -> Callable[[], bool]:
    def is_welcome() -> bool:
        try:
            return gateway.tokens.holder(caller.token_id) is not None
        except SQLAlchemyError as error:
            # Nobody can say; the browser asks again and learns what the pages say.
            logger.warning("a live page ends, its session can't be looked up: %s", type(error).__name__)
            return False

    return is_welcome
