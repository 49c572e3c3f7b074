"""The story of one order, retailer or phone: its jobs and messages over all queues, newest first."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, request

from gateway.dashboard.calling import call
from gateway.dashboard.pages import INVALID, go_to, page
from gateway.errors import Problem
from gateway.routes import searching as api
from gateway.subject_story import KINDS

PATH = "/dashboard/subjects"
LONGEST_VALUE = 64


def install(routes: Blueprint) -> None:
    """Add the screen."""
    routes.add_url_rule("/subjects", "subjects", ask, methods=["GET"])
    routes.add_url_rule("/subjects/<kind>/<path:value>", "subject", show, methods=["GET"])


def ask() -> Response:
    """The form that asks whose story; a filled one leads to the story's own address."""
    kind, value = request.args.get("kind", KINDS[0].value), request.args.get("value", "").strip()[:LONGEST_VALUE]
    if value and kind in KINDS:
        return go_to(f"{PATH}/{kind}/{quote(value, safe='')}")
    return page("subjects.html", kind=kind, value=value, kinds=KINDS, story=None, wrong="")


def show(kind: str, value: str) -> Response:
    """The story of one of them."""
    cursor = request.args.get("cursor")
    try:
        story = call(api.subject, query={"cursor": cursor} if cursor else {}, kind=kind, value=value)
    except Problem as error:
        if error.status != INVALID:
            raise
        return page(
            "subjects.html", status=INVALID, kind=kind, value=value, kinds=KINDS, story=None, wrong=error.message
        )
    return page("subjects.html", kind=kind, value=value, kinds=KINDS, story=story, wrong="", path=request.path)
