"""The audit: who did what, why and from where, what was refused, and whether it is as it was written."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, request
from marshmallow import ValidationError

from gateway.answers import Json
from gateway.dashboard.calling import call, may
from gateway.dashboard.pages import page
from gateway.errors import Errors, errors_of
from gateway.routes import audit as api
from shared.audit import OperatorAction
from shared.clock import BUSINESS_ZONE
from shared.privacy import mask, mask_text
from shared.queues import Queue

FIELDS = ("action", "actor", "target", "since", "until")
DAYS = frozenset({"since", "until"})
REFUSALS = frozenset({OperatorAction.ACCESS_REFUSED, OperatorAction.ACTION_REFUSED})
GRAVE = ("removed", "stopped", "cleaned", "revoked", "trimmed", "cancelled")
ROWS = ("1000", "10000")
_PLACES = {
    "job": "/dashboard/jobs/{}",
    "flow": "/dashboard/flows/{}",
    "bulk": "/dashboard/bulk/{}",
    "queue": "/dashboard/jobs?filter=queue:{}",
    "breaker": "/dashboard/limits/{}",
    "schedule": "/dashboard/schedules",
    "worker": "/dashboard/workers",
}


def install(routes: Blueprint) -> None:
    """Add the screens."""
    routes.add_url_rule("/audit", "audit", show, methods=["GET"])
    routes.add_url_rule("/audit/verify", "audit_verify", verify, methods=["GET"])


def show() -> Response:
    """Actions and refusals that match the fields, newest first, by day."""
    wanted = {name: request.args.get(name, "").strip() for name in FIELDS}
    cursor = request.args.get("cursor", "")
    try:
        query = {name: _instant(name, text) if name in DAYS else text for name, text in wanted.items() if text}
        found = call(api.entries, query={**query, **({"cursor": cursor} if cursor else {})})
    except ValidationError as error:
        return _page(wanted, [], None, errors_of(error), status=422)
    return _page(wanted, [_entry(entry) for entry in found["entries"]], found["cursor"], {})


def verify() -> Response:
    """Check the newest rows of each chain."""
    rows = request.args.get("rows", ROWS[0])
    return page("audit_verify.html", screen="audit", rows=rows, choices=ROWS, **call(api.verify, query={"rows": rows}))


def _page(wanted: Json, entries: list[Json], cursor: int | None, wrong: Errors, *, status: int = 200) -> Response:
    days = [(day, list(of_day)) for day, of_day in groupby(entries, key=lambda entry: entry["day"])]
    return page(
        "audit.html",
        status=status,
        days=days,
        wanted=wanted,
        is_filtered=any(wanted.values()),
        wrong=wrong,
        is_first="cursor" not in request.args,
        next={**{name: text for name, text in wanted.items() if text}, "cursor": cursor} if cursor else None,
        actions=_choices(),
        may_verify=may(api.verify),
    )


def _choices() -> list[tuple[str, list[str]]]:
    """Actions by what they are done to."""
    values = sorted(action.value for action in OperatorAction)
    return [(noun, list(found)) for noun, found in groupby(values, key=lambda value: value.partition(".")[0])]


def _instant(name: str, text: str) -> str:
    """The beginning of a day in the business zone, or the end of it; another text is the API's to judge.

    Raises ValidationError for what looks like a day and is none.
    """
    if len(text) != len("2026-01-31"):
        return text
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=BUSINESS_ZONE)
    except ValueError as error:
        raise ValidationError({name: ["must be a day, such as 2026-01-31"]}) from error
    if name == "until":
        day += timedelta(days=1)
    return day.isoformat()


def _entry(entry: Json) -> Json:
    """The API's entry with the words and the way that the page needs; what people wrote is masked."""
    noun, _, verb = entry["action"].partition(".")
    is_refusal = entry["action"] in REFUSALS
    day = datetime.fromisoformat(entry["at"]).astimezone(BUSINESS_ZONE).strftime("%A, %d %B %Y")
    details: Any = mask(entry["details"])
    return {
        **entry,
        "day": day,
        "verb": f"refused {noun}" if is_refusal else f"{verb} {noun}",
        "tone": "failed" if is_refusal else "late" if verb in GRAVE else "",
        "reason": mask_text(entry["reason"]),
        "target": mask_text(entry["target"]),
        "path": None if is_refusal else _path_of(noun, entry["target"]),
        "details": details,
    }


def _path_of(noun: str, target: str) -> str | None:
    """The page of what it was done to; None if it has none."""
    if noun in {"queue", "breaker"} and target not in Queue.__members__:
        return None
    if noun == "bulk" and not target.isdigit():
        return None
    return _PLACES[noun].format(quote(target, safe="")) if noun in _PLACES else None
