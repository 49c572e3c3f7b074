"""Errors go to Sentry: one event for each job that failed for good, and for each error of the gateway.

Through Sentry's own Dramatiq and Flask integrations, with two differences. Attempts that will be retried and refusals
by a business rule are no errors. And no personal data leaves: no payloads, no values of variables, no request
bodies or headers, and what a job's data hides is hidden in the error's text too.

``configure_sentry`` comes first, then the broker, then ``report_failures`` on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sentry_sdk
from dramatiq.broker import Broker
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.dramatiq import DramatiqIntegration, SentryMiddleware
from sentry_sdk.integrations.logging import LoggingIntegration

from shared.broker import CurrentJob, current_job
from shared.errors import Refused
from shared.middleware.current_job import CurrentJobMiddleware
from shared.privacy import ADDRESS_KEYS, HIDDEN, PERSONAL_KEYS, mask_text
from shared.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

SHORTEST_HIDDEN = 3
"""Shorter personal values (a name of two letters) are left in an error's text: hiding them would garble it."""

_KEPT_OF_REQUEST = ("method", "url")
_NEVER_SENT = ("breadcrumbs", "extra", "user", "server_name", "modules")


def configure_sentry(settings: Settings, *integrations: Integration) -> bool:
    """Start Sentry if SENTRY_DSN is set, and say whether; the gateway adds its ``FlaskIntegration()``."""
    if settings.sentry_dsn is None:
        return False
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        environment=settings.sentry_environment,
        release=settings.sentry_release,
        integrations=[_Jobs(), LoggingIntegration(level=None, event_level=None), *integrations],
        # Others would record queries, commands and addresses of requests.
        auto_enabling_integrations=False,
        before_send=_without_personal_data,
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
    )
    return True


def report_failures(broker: Broker) -> None:
    """Report the jobs of this worker that fail for good; does nothing while Sentry isn't configured."""
    if sentry_sdk.get_client().get_integration(DramatiqIntegration) is not None:
        # Between these two the job is known, and the attempt can't be interrupted any more.
        broker.add_middleware(FailureReports(), after=CurrentJobMiddleware)


class FailureReports(SentryMiddleware):
    """Sentry's middleware, which adds nothing to messages and knows our jobs."""

    def before_enqueue(self, broker: Broker, message: Any, delay: int | None) -> None:
        """Sentry would add its headers here; a message carries only its own options."""

    def before_process_message(self, broker: Broker, message: Any) -> None:
        """Open the job's scope."""
        super().before_process_message(broker, message)
        job, data = current_job(), dict(message.kwargs)
        if job is not None:
            scope = sentry_sdk.get_isolation_scope()
            scope.add_event_processor(lambda event, hint: _event_of_job(event, hint, job, data))


class _Jobs(DramatiqIntegration):
    """Sentry's integration without its patch of every broker: ``report_failures`` adds the middleware openly."""

    @staticmethod
    def setup_once() -> None:
        """Patch nothing."""


def _event_of_job(event: Event, hint: Hint, job: CurrentJob, data: Mapping[str, Any]) -> Event | None:
    error = (hint.get("exc_info") or (None, None, None))[1]
    if isinstance(error, BaseException) and (isinstance(error, Refused) or not job.is_final(error)):
        return None
    tags = {"queue": job.queue, "job": job.name, "jobId": job.id, "attempt": job.attempt, "attempts": job.attempts}
    event["tags"] = {**dict(event.get("tags") or {}), **{key: str(value) for key, value in tags.items()}}
    event["contexts"] = {key: each for key, each in event.get("contexts", {}).items() if key != "dramatiq"}
    event.pop("transaction", None)
    personal = sorted(set(_personal_texts(data)), key=len, reverse=True)
    for value in _exceptions(event):
        for text in personal:
            value["value"] = str(value.get("value") or "").replace(text, HIDDEN)
    return event


def _without_personal_data(event: Event, _hint: Hint) -> Event | None:
    """The last look at every event, those outside jobs included."""
    for key in _NEVER_SENT:
        event.pop(key, None)  # type: ignore[misc]
    request = event.pop("request", None)
    if isinstance(request, dict):
        event["request"] = {key: mask_text(str(request[key])) for key in _KEPT_OF_REQUEST if key in request}
    for value in _exceptions(event):
        value["value"] = mask_text(str(value.get("value") or ""))
    return event


def _exceptions(event: Event) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = event.get("exception", {}).get("values", [])
    return values


def _personal_texts(value: Any, *, is_personal: bool = False) -> Iterator[str]:
    """Every text of a job's data that stands under a personal key, at any depth."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _personal_texts(each, is_personal=is_personal or key in PERSONAL_KEYS or key in ADDRESS_KEYS)
    elif isinstance(value, list):
        for each in value:
            yield from _personal_texts(each, is_personal=is_personal)
    elif is_personal and isinstance(value, str) and len(value) >= SHORTEST_HIDDEN:
        yield value
