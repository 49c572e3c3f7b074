"""The worker process of queue ``whatsapp-messages``: ``dramatiq services.whatsapp.worker:start``."""

from __future__ import annotations

from functools import partial

from services.whatsapp.actors import declare
from services.whatsapp.clients.console import ConsoleProvider
from services.whatsapp.clients.meta import MetaProvider
from services.whatsapp.clients.protocol import Provider
from services.whatsapp.clients.twilio import TwilioProvider
from services.whatsapp.clients.watched import WatchedProvider
from services.whatsapp.sending import Sender
from shared.errors import ConfigurationError
from shared.job_store import JobStore
from shared.queues import Queue
from shared.settings import Settings
from shared.worker import limit_when_redis_answers, worker_parts

PACE_WINDOW_MS = 1_000


def start() -> None:
    """Wire the WhatsApp worker; Dramatiq calls this once per process."""
    parts = worker_parts(Queue.WHATSAPP)
    settings = parts.settings
    sender = Sender(
        WatchedProvider(make_provider(settings)),
        parts.database,
        receipt_wait_ms=settings.whatsapp.receipt_wait_ms,
        pause=partial(_pause, parts.store),
        business_clock=settings.clock(),
    )
    limit_when_redis_answers(parts, set_pace)
    parts.run(declare(sender))


def _pause(store: JobStore, why: str) -> None:
    store.pause(Queue.WHATSAPP, by="whatsapp", why=why)


def make_provider(settings: Settings) -> Provider:
    """The configured provider; ConfigurationError for the console in production unless it is asked for by name."""
    match settings.whatsapp.provider:
        case "meta":
            return MetaProvider(settings.whatsapp)
        case "twilio":
            return TwilioProvider(settings.whatsapp)
        case _:
            _refuse_silent_console(settings)
            return ConsoleProvider()


def set_pace(store: JobStore, settings: Settings) -> None:
    """Pace the queue as the provider demands, over all replicas; the console needs no pace."""
    if settings.whatsapp.provider == "console":
        store.set_limits(Queue.WHATSAPP, rate=None, group_rate=None)
        return
    interval_ms = settings.whatsapp.recipient_interval_ms
    store.set_limits(
        Queue.WHATSAPP,
        rate=(settings.whatsapp.rate_per_second, PACE_WINDOW_MS),
        group_rate=(1, interval_ms) if interval_ms else None,
    )


def _refuse_silent_console(settings: Settings) -> None:
    # In production nobody reads the terminal: without an account, messages would seem to be sent.
    if settings.is_production and not settings.whatsapp.provider_is_explicit:
        raise ConfigurationError(
            "no WhatsApp account is configured: set WHATSAPP_META_* or TWILIO_*, "
            "or WHATSAPP_PROVIDER=console to print messages instead of sending them"
        )
