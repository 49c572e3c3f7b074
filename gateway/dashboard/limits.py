"""Limits: what holds each queue, its groups and the API's clients back, and changing a queue's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from marshmallow import ValidationError

from gateway.answers import Json
from gateway.context import current_gateway
from gateway.dashboard.calling import call, may
from gateway.dashboard.formatting import queue_title
from gateway.dashboard.pages import INVALID, back_with, page
from gateway.errors import Errors, Problem, errors_of, invalid
from gateway.operator_requests import queue_in_path
from gateway.routes import limits as api
from gateway.routes import queues as queues_api
from shared.errors import InvalidOption
from shared.queue_limits import NAMES
from shared.queues import Queue

PATH = "/dashboard/limits"
MOST_DIGITS = 9
WHOLE_NUMBERS = frozenset({"concurrency", "groupConcurrency"})
_UNITS = ((60 * 60_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms"))


def install(routes: Blueprint) -> None:
    """Add the screens and their actions."""
    routes.add_url_rule("/limits", "limits", show, methods=["GET"])
    routes.add_url_rule("/limits/clients", "client_limit", limit_client, methods=["POST"])
    routes.add_url_rule("/limits/<key>", "limit", show_one, methods=["GET"])
    routes.add_url_rule("/limits/<key>", "limit_change", change, methods=["POST"])
    routes.add_url_rule("/limits/<key>/breaker/close", "breaker_close", close_breaker, methods=["POST"])


def show() -> Response:
    """The limits of all queues, and of users of the API."""
    return _all({}, {})


def _all(typed: Mapping[str, str], wrong: Errors, *, status: int = 200) -> Response:
    found, stats, clients = call(api.show), call(queues_api.stats), call(api.show_clients)
    rows = [
        {
            "key": key,
            **limits,
            **{name: rate_words(limits[name]) for name in ("rate", "groupRate")},
            **_breaker(key, stats[key]["breaker"]),
        }
        for key, limits in found["queues"].items()
    ]
    return page(
        "limits.html",
        status=status,
        rows=rows,
        sentence=_sentence(rows),
        usual=clients["requestsPerMinute"],
        clients=clients["clients"],
        may_limit=may(api.change_client),
        typed=typed,
        wrong=wrong,
        refused=sum(row["limited"]["clients"] for row in rows),
    )


def show_one(key: str) -> Response:
    """One queue's limits, its busiest groups and its breaker."""
    return _one(key, _texts(_limits_of(key)), {})


def change(key: str) -> Response:
    """Change what the form changed: an empty field takes its limit away, a ticked box gives it back."""
    reset = [name for name in NAMES if request.form.get(f"reset-{name}")]
    values = {name: request.form.get(name, "").strip() for name in NAMES}
    changed = {name: text for name, text in values.items() if text != request.form.get(f"was-{name}", "").strip()}
    body: Json = {name: _value(name, text) for name, text in changed.items() if name not in reset}
    if reset:
        body["reset"] = reset
    if reason := request.form.get("reason", "").strip():
        body["reason"] = reason
    try:
        done = call(api.change, body=body, key=key)
    except (ValidationError, InvalidOption) as error:
        return _one(key, values, errors_of(error), status=INVALID)
    return back_with(done["message"], f"{PATH}/{key}")


def limit_client() -> Response:
    """Give a user's tokens a limit of their own, or with ``usual`` the usual one again."""
    typed = {name: request.form.get(name, "").strip() for name in ("user", "requestsPerMinute", "reason")}
    reason = {"reason": typed["reason"]} if typed["reason"] else {}
    if request.form.get("usual"):
        return back_with(call(api.remove_client, query=reason, user=typed["user"])["message"], PATH)
    number = _value("concurrency", typed["requestsPerMinute"])
    try:
        if not typed["user"]:
            raise invalid({"user": ["is required"]})
        done = call(api.change_client, body={"requestsPerMinute": number, **reason}, user=typed["user"])
    except (ValidationError, Problem) as error:
        if isinstance(error, Problem) and error.status != INVALID:
            raise
        return _all(typed, errors_of(error), status=INVALID)
    return back_with(f"Each token of {done['user']} has a limit of its own within 10 seconds", PATH)


def close_breaker(key: str) -> Response:
    """Call the provider again without waiting for a probe."""
    reason = request.form.get("reason", "").strip()
    done = call(queues_api.close_breaker, body={"reason": reason} if reason else {}, key=key)
    return back_with(done["message"], f"{PATH}/{key}")


def rate_words(rate: Json | None) -> str:
    """A rate as people write it, in the largest unit that divides its window: ``80/s``, ``1/6s``."""
    if rate is None:
        return ""
    size, unit = next((size, unit) for size, unit in _UNITS if rate["windowMs"] % size == 0)
    windows = rate["windowMs"] // size
    return f"{rate['jobs']}/{'' if windows == 1 else windows}{unit}"


def _limits_of(key: str) -> Json:
    found: Json = call(api.show)["queues"][queue_in_path(key).name]
    return found


def _one(key: str, values: dict[str, str], wrong: Errors, *, status: int = 200) -> Response:
    limits, breaker = _limits_of(key), call(queues_api.stats)[key]["breaker"]
    return page(
        "limit.html",
        status=status,
        screen="limits",
        key=key,
        limits=limits,
        stored=_texts(limits),
        values=values,
        wrong=wrong,
        groups=call(api.groups, key=key),
        breaker=breaker,
        has_provider=_has_provider(key, breaker),
        is_probe_due=bool(breaker["nextProbeAt"])
        and datetime.fromisoformat(breaker["nextProbeAt"]) <= datetime.now(UTC),
        may_change=may(api.change),
        may_close=may(queues_api.close_breaker),
    )


def _texts(limits: Json) -> dict[str, str]:
    """What stands in each field."""
    return {
        name: rate_words(limits[name]) if name.lower().endswith("rate") else str(limits[name] or "") for name in NAMES
    }


def _value(name: str, text: str) -> object:
    """What the API gets for a field's text; what is no number is sent as it is, and refused with words."""
    if not text:
        return None
    return (
        int(text) if name in WHOLE_NUMBERS and text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else text
    )


def _has_provider(key: str, breaker: Json) -> bool:
    """Whether the calls of the queue's jobs are counted, here or by a worker with other settings."""
    return breaker["opened"] > 0 or current_gateway().settings.policy(Queue[key]).breaker is not None


def _breaker(key: str, breaker: Json) -> Json:
    return {"breaker": breaker, "hasProvider": _has_provider(key, breaker)}


def _sentence(rows: list[Json]) -> str:
    """What holds back whom, in one sentence."""
    stopped = [queue_title(row["key"]) for row in rows if row["breaker"]["state"] != "closed"]
    if stopped:
        return f"{stopped[0]} {'waits' if len(stopped) == 1 else 'and others wait'} for a provider."
    parked = sum(row["parked"] for row in rows)
    if parked:
        return (
            f"{parked:,} {'job waits' if parked == 1 else 'jobs wait'} for {'its' if parked == 1 else 'their'} group."
        )
    return "No limit holds anything back."
