"""Jobs in every state, made on the engine's own ways, for pages to show."""

from __future__ import annotations

from typing import Any

from gateway.context import Gateway
from shared.broker.connection import Scripts
from shared.queues import Queue

FAILED = '{"type":"ProviderError","message":"no answer for +9779800000000","attempt":1,"at":1790000000000}'
MESSAGE = {
    "type": "ORDER_CONFIRMATION",
    "recipient": "+977-9800000000",
    "data": {
        "orderNumber": "ORD-2026-001",
        "total": 1500.00,
        "items": [{"productName": "Rice 1kg", "quantity": 10, "unitPrice": 150.0}],
    },
}


def a_message(parts: Gateway, **options: Any) -> str:
    """A WhatsApp message that waits, or is delayed if the options say so."""
    job = parts.jobs.any_job(Queue.WHATSAPP.name, "message", MESSAGE, options)
    return parts.jobs.enqueue(job).job_id


def a_failed_message(parts: Gateway) -> str:
    """A WhatsApp message whose only attempt failed."""
    job_id = a_message(parts, attempts=1)
    fail(parts.broker.scripts, job_id)
    return job_id


def fail(scripts: Scripts, job_id: str) -> None:
    """What the engine stores for a job whose attempts are used up."""
    prefix = "doko:{whatsapp-messages}:"
    client = scripts.client
    client.zrem(prefix + "waiting", job_id)
    client.zadd(prefix + "failed", {job_id: 1_790_000_000_000})
    fields: dict[Any, Any] = {"state": "failed", "attempt": 1, "errors": FAILED, "finished": 1_790_000_000_000}
    client.hset(f"{prefix}job:{job_id}", mapping=fields)
    event: dict[Any, Any] = {"job": job_id, "attempt": 1, "worker": "w-1"}
    client.xadd(prefix + "events", {"event": "active", **event})
    client.xadd(prefix + "events", {"event": "failed", **event, "duration": 12, "error": FAILED})
