"""Probes and metrics: public, and without anything personal."""

from __future__ import annotations

from flask import Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST

from gateway.answers import Json, json_response
from gateway.api import Routes, public
from gateway.context import current_gateway
from gateway.schemas import AliveSchema, ReadySchema
from shared.metrics.queues import QueueCollector

routes = Routes("health", __name__)


@routes.get("/healthz")
@routes.response(200, AliveSchema, "The process answers")
@public
def alive() -> Json:
    """Say that this process answers."""
    return {"success": True, "message": "alive"}


@routes.get("/readyz")
@routes.response(200, ReadySchema, "Redis and the database answer", problems=(503,))
@public
def ready() -> Response:
    """Ask Redis and the database, and say whether both answer."""
    health = current_gateway().health.check()
    parts = {
        name: {"ready": part.is_ready, "duration": part.duration_ms, "reason": part.reason}
        for name, part in health.items()
    }
    away = [name for name, part in health.items() if not part.is_ready]
    message = f"not ready: {', '.join(away)}" if away else "ready"
    return json_response({"success": not away, "message": message, "parts": parts}, 503 if away else 200)


@routes.get("/metrics")
@routes.response(200, None, "Prometheus text")
@public
def metrics() -> Response:
    """Show the metrics of all gateway processes and of the queues."""
    gateway = current_gateway()
    queues = QueueCollector(gateway.store, gateway.schedules, gateway.broker.scripts.client)
    text: bytes = current_app.extensions["doko-metrics"].exposition(queues)
    return Response(text, content_type=CONTENT_TYPE_LATEST)
