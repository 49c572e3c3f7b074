"""The Flask application: wires the parts together and registers the routes. Importing it does nothing."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import redis
from flask import Flask
from flask.sessions import SessionInterface
from typing_extensions import override
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway import dashboard, errors, refusals, request_log
from gateway.auth import TokenCache
from gateway.bodies import BoundedRequest
from gateway.context import Gateway
from gateway.cooperative_database import CooperativeDatabase
from gateway.metrics import RequestMetrics
from gateway.routes import (
    audit,
    bulk,
    credit,
    docs,
    drafts,
    flows,
    health,
    jobs,
    limits,
    master,
    orders,
    payments,
    queues,
    reminders,
    reports,
    retailers,
    schedules,
    searching,
    whatsapp,
    workers,
)
from shared.broker import EngineConfig, connect, make_broker
from shared.database.archive_reader import DatabaseArchive
from shared.database.index_reader import DatabaseIndex
from shared.flows import FlowStore
from shared.health import TIMEOUT_S, Health
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.schedules import ScheduleStore
from shared.settings import Settings
from shared.storage import make_storage
from shared.worker_control import WorkerControl

ROUTES = (
    *(queues.routes, jobs.routes, whatsapp.routes, schedules.routes, health.routes, docs.routes),
    *(credit.routes, reminders.routes, orders.routes, payments.routes, retailers.routes, reports.routes),
    *(master.routes, drafts.routes, workers.routes, searching.routes, flows.routes, limits.routes, bulk.routes),
    audit.routes,
)
WEBHOOKS = "gateway.routes.webhooks"


class _NoSessions(SessionInterface):
    """The API has no cookies; not looking for them saves each request the work."""

    @override
    def open_session(self, *_: Any) -> None:
        return None

    @override
    def make_null_session(self, app: Flask) -> Any:
        return None

    @override
    def save_session(self, *_: Any) -> None:
        return None

    @override
    def is_null_session(self, obj: object) -> bool:
        return True


def create_app(settings: Settings) -> Flask:
    """The gateway of ``settings``; it connects lazily, so it starts while Redis or the database is away."""
    app = Flask("gateway", static_folder=None)
    app.request_class = BoundedRequest
    app.session_interface = _NoSessions()
    app.url_map.strict_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    # Unexpected errors become a 500 in our shape in tests too.
    app.config["PROPAGATE_EXCEPTIONS"] = False
    metrics = RequestMetrics()
    app.extensions["doko"] = _gateway(settings)
    app.extensions["doko-metrics"] = metrics
    errors.install(app)
    request_log.install(app, metrics)
    # Before the refusals: they note what the API says, then the dashboard makes a page of it.
    dashboard.install(app)
    refusals.install(app, refusals.RefusalLog(app.extensions["doko"].database))
    if settings.trusted_proxies:
        _believe(app, settings.trusted_proxies)
    for routes in ROUTES:
        app.register_blueprint(routes)
    if find_spec(WEBHOOKS) is not None:
        app.register_blueprint(import_module(WEBHOOKS).routes)
    return app


def _believe(app: Flask, proxies: int) -> None:
    """Take the client's address and scheme from what that many proxies in front say."""
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]  # Flask's way


def _gateway(settings: Settings) -> Gateway:
    database = CooperativeDatabase(settings.database_url)
    broker = make_broker(settings)
    probe = connect(settings, socket_timeout_s=TIMEOUT_S)
    parts = {"redis": lambda: _ask(probe), "database": database.ping}
    store = JobStore(
        broker.scripts.client,
        DatabaseArchive(database),
        EngineConfig.from_settings(settings),
        DatabaseIndex(database),
    )
    return Gateway(
        settings=settings,
        broker=broker,
        jobs=JobQueueService(broker, clock=settings.clock()),
        store=store,
        database=database,
        tokens=TokenCache(database),
        health=Health(parts),
        schedules=ScheduleStore(broker.scripts.client, settings.clock_offset),
        storage=make_storage(settings),
        workers=WorkerControl(broker.scripts.client),
        flows=FlowStore(database, store, broker.scripts.client),
    )


def _ask(client: redis.Redis) -> None:
    client.ping()
