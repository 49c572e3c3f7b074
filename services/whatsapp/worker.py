"""The worker process of queue ``whatsapp-messages``: ``dramatiq services.whatsapp.worker:start``."""

from __future__ import annotations

import threading
from functools import partial

import dramatiq

from services.whatsapp.actors import declare
from services.whatsapp.clients.console import ConsoleProvider
from services.whatsapp.clients.meta import MetaProvider
from services.whatsapp.clients.protocol import Provider
from services.whatsapp.clients.twilio import TwilioProvider
from services.whatsapp.sending import Sender
from shared import logs
from shared.broker import connect, make_broker
from shared.database.session import Database
from shared.errors import ConfigurationError, RedisUnavailable
from shared.job_store import JobStore
from shared.queues import Queue
from shared.sentry import configure_sentry, report_failures
from shared.settings import Settings

PACE_WINDOW_MS = 1_000
PACE_AGAIN_S = 0.5

_log = logs.get_logger()


def start() -> None:
    """Wire the WhatsApp worker; Dramatiq calls this once per process."""
    settings = Settings.from_environment()
    logs.configure(settings, "worker-whatsapp")
    configure_sentry(settings)
    broker = make_broker(settings, queue=Queue.WHATSAPP)
    report_failures(broker)
    store = JobStore(connect(settings))
    database = Database(settings.database_url, application_name="doko-whatsapp")
    sender = Sender(
        make_provider(settings),
        database,
        receipt_wait_ms=settings.whatsapp.receipt_wait_ms,
        pause=partial(_pause, store),
        business_clock=settings.clock(),
    )
    set_pace_when_redis_answers(store, settings)
    declare(sender).bind(broker, database)
    dramatiq.set_broker(broker)


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


def set_pace_when_redis_answers(store: JobStore, settings: Settings) -> None:
    """Pace the queue now, or as soon as Redis is there: like a running worker, a starting one outlives its absence."""
    try:
        set_pace(store, settings)
    except RedisUnavailable:
        _log.warning("whatsapp.unpaced", message="Redis is away: the queue's pace is set when it answers")
        threading.Thread(target=_set_pace_later, args=(store, settings), name="pace", daemon=True).start()


def _set_pace_later(store: JobStore, settings: Settings) -> None:
    pause = threading.Event()
    while True:
        pause.wait(PACE_AGAIN_S)
        try:
            set_pace(store, settings)
        except RedisUnavailable:
            continue
        _log.info("whatsapp.paced", message="The queue's pace is set")
        return


def set_pace(store: JobStore, settings: Settings) -> None:
    """Pace the queue as the provider demands, over all replicas; the console needs no pace.

    The configured cap on running jobs is set too; without one, an operator's stays.
    """
    cap = settings.global_concurrency.get(Queue.WHATSAPP)
    if cap is not None:
        store.set_limits(Queue.WHATSAPP, cap=cap)
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
