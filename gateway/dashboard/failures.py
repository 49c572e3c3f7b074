"""Failures in groups of one cause: how many, since when, whom they hit, and retrying a whole group."""

from __future__ import annotations

from flask import Blueprint, Response, request

from gateway.dashboard.calling import call
from gateway.dashboard.jobs import address
from gateway.dashboard.pages import page
from gateway.routes import searching as api

SINCE = ("1h", "1d", "7d", "30d")


def install(routes: Blueprint) -> None:
    """Add the screen."""
    routes.add_url_rule("/failures", "failures", show, methods=["GET"])


def show() -> Response:
    """Groups of failures, the largest first."""
    since, queue = request.args.get("since", "1d"), request.args.get("queue", "")
    found = call(api.failures, query={"since": since, **({"queue": queue} if queue else {})})
    groups = [{**group, "filter": f"state:failed fingerprint:{group['fingerprint']}"} for group in found["failures"]]
    return page(
        "failures.html", groups=groups, since=since, queue=queue, spans=SINCE, address=address, total=_total(groups)
    )


def _total(groups: list[dict[str, int]]) -> int:
    return sum(group["count"] for group in groups)
