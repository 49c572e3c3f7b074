"""Enqueueing for a request: with its Idempotency-Key and its client's limit, in one round trip."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson
from flask import request

from gateway.bodies import parsed_json
from gateway.context import current_caller, current_gateway
from gateway.errors import invalid
from gateway.rate_limit import client_limit
from shared.broker.options import Enqueued, Idempotency, NewJob

IDEMPOTENCY_HEADER = "Idempotency-Key"
MAX_IDEMPOTENCY_KEY = 255


def enqueue(job: NewJob) -> Enqueued:
    """Enqueue the request's job; raises what ``DokoBroker.add`` raises."""
    return current_gateway().jobs.enqueue(job, idempotency=idempotency(), client=client_limit())


def enqueue_many(jobs: Sequence[NewJob]) -> list[Enqueued]:
    """Enqueue the request's jobs; the answers come in the same order."""
    return current_gateway().jobs.enqueue_many(jobs, idempotency=idempotency(), client=client_limit())


def idempotency() -> Idempotency | None:
    """The request's Idempotency-Key, with the hash of what was asked.

    That is the path, and the body whatever its spacing and key order. Raises Problem 422 for a key that none can be.
    """
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY or not (key.isascii() and key.isprintable()):
        raise invalid({IDEMPOTENCY_HEADER: [f"must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"]})
    asked = request.path.encode() + b"\n" + orjson.dumps(parsed_json(), option=orjson.OPT_SORT_KEYS)
    return Idempotency(key=key, owner=current_caller().token_id, body_hash=hashlib.sha256(asked).hexdigest())
