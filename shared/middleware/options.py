"""Declares the options that an actor or a message may carry, and refuses all others."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from dramatiq.broker import Broker
from dramatiq.message import Message
from dramatiq.middleware import Middleware, MiddlewareError

from shared.broker.options import JobOptions, backoff_from_json, mode_from_json
from shared.errors import InvalidOption

JOB_OPTIONS = "job_options"
VERSION = "v"
FLOW = "flow"

# Dramatiq's spelling of our options: snake case, durations in milliseconds.
_FIELDS = {
    "attempts": "attempts",
    "backoff": "backoff",
    "timeout": "timeout_ms",
    "priority": "priority",
    "deduplication_key": "deduplication_key",
    "deduplication_mode": "deduplication_mode",
    "deduplication_window": "deduplication_window_ms",
    "remove_on_complete": "keep_completed",
    "remove_on_fail": "keep_failed",
    "job_id": "job_id",
    "group": "group",
}


class UnknownOption(MiddlewareError, InvalidOption):
    """A message carries an option that nobody reads: it would be dropped silently."""


class JobOptionsMiddleware(Middleware):
    """Lets actors declare our options: ``@dramatiq.actor(attempts=5, timeout=60_000)``."""

    @property
    def actor_options(self) -> set[str]:
        """Every option that the engine reads."""
        return {name for name in _FIELDS if name not in {"deduplication_key", "group", "job_id"}}

    def before_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        """Refuse unknown options before anything is stored."""
        for name in message.options:
            if name not in _FIELDS and name not in {JOB_OPTIONS, VERSION, FLOW}:
                nearest = get_close_matches(name, list(_FIELDS), n=1)
                hint = f"; did you mean '{nearest[0]}'?" if nearest else f" (known: {', '.join(_FIELDS)})"
                raise UnknownOption(f"{name} is not an option of a message{hint}", field=name)


def options_of(message: Message[Any], actor_options: dict[str, Any], delay: int | None) -> JobOptions:
    """The job options of a message; its own win over its actor's. Raises ``InvalidOption``."""
    ready = message.options.get(JOB_OPTIONS)
    if isinstance(ready, JobOptions):
        return ready if delay is None else replace(ready, delay_ms=delay)
    merged = {**actor_options, **message.options}
    values = {ours: merged[theirs] for theirs, ours in _FIELDS.items() if merged.get(theirs) is not None}
    if "backoff" in values:
        values["backoff"] = backoff_from_json(values["backoff"])
    if "deduplication_mode" in values:
        values["deduplication_mode"] = mode_from_json(values["deduplication_mode"])
    return JobOptions(delay_ms=delay or 0, **values)
