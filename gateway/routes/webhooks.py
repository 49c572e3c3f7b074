"""Where the WhatsApp providers call: verification, messages from customers, receipts.

Everything a request tells is stored before it is answered with 200, and what people
ask for with it; any other answer makes the provider send it again, which changes nothing that is stored.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from flask import Response, request

from gateway.api import Routes, public
from gateway.context import Gateway, current_gateway
from gateway.errors import Problem
from gateway.webhooks import answering, meta, repository, signatures, twilio
from gateway.webhooks.events import Batch, MalformedWebhook
from shared import outbox
from shared.broker.options import JobOptions, NewJob
from shared.clock import Clock
from shared.errors import JobNotFound, QueueError

routes = Routes("webhooks", __name__, url_prefix="/api/v1/webhooks/whatsapp")
blueprint = routes

EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

logger = logging.getLogger(__name__)


@routes.get("/meta")
@routes.response(200, description="The challenge, as plain text", problems=(403, 404))
@public
def verify_meta() -> Response:
    """Answer Meta's challenge when the webhook is registered."""
    token = _configured(current_gateway().settings.whatsapp.meta_verify_token, "WHATSAPP_META_VERIFY_TOKEN")
    if request.args.get("hub.mode") != "subscribe":
        raise Problem(403, "hub.mode must be subscribe")
    if not signatures.is_same_secret(token, request.args.get("hub.verify_token")):
        raise Problem(403, "hub.verify_token is wrong")
    return Response(request.args.get("hub.challenge", ""), content_type="text/plain; charset=utf-8")


@routes.post("/meta")
@routes.response(200, description="Everything in the batch is stored", problems=(400, 401, 404))
@public
def receive_meta() -> dict[str, object]:
    """Store a batch of messages and receipts from Meta."""
    secret = _configured(current_gateway().settings.whatsapp.meta_app_secret, "WHATSAPP_META_APP_SECRET")
    body = request.get_data(cache=False)
    if not signatures.is_from_meta(secret, body, request.headers.get("X-Hub-Signature-256")):
        raise Problem(401, "X-Hub-Signature-256 is missing or does not sign this body")
    now = Clock().now()
    try:
        batch = meta.parse(body, now)
    except MalformedWebhook as error:
        raise Problem(400, f"No notification of the Cloud API: {error}") from error
    _store(batch, now)
    return {"success": True, "messages": len(batch.inbound), "receipts": len(batch.receipts), "ignored": batch.ignored}


@routes.post("/twilio")
@routes.response(
    200, description="The message or receipt is stored; the answer is an empty TwiML document", problems=(400, 401, 404)
)
@public
def receive_twilio() -> Response:
    """Store a message or receipt from Twilio."""
    settings = current_gateway().settings.whatsapp
    token = _configured(settings.twilio_auth_token, "TWILIO_AUTH_TOKEN")
    url = signatures.called_url(settings.twilio_webhook_url, request.base_url, request.query_string)
    form = request.form.to_dict(flat=False)
    if not signatures.is_from_twilio(token, url, form, request.headers.get("X-Twilio-Signature")):
        raise Problem(401, "X-Twilio-Signature is missing or does not sign this request (see TWILIO_WEBHOOK_URL)")
    now = Clock().now()
    try:
        batch = twilio.parse(request.form, request.args, now)
    except MalformedWebhook as error:
        raise Problem(400, f"No callback of Twilio: {error}") from error
    _store(batch, now)
    return Response(EMPTY_TWIML, content_type="text/xml; charset=utf-8")


def _configured(secret: str | None, variable: str) -> str:
    """The secret; without one nobody can prove who calls, so the webhook doesn't exist."""
    if not secret:
        raise Problem(404, f"This webhook is off: set {variable} to turn it on", code="webhook_off")
    return secret


def _store(batch: Batch, now: datetime) -> None:
    gateway = current_gateway()
    jobs = _jobs_to_send_again(gateway, batch)
    with gateway.database.session() as tx:
        new = repository.store_messages(tx, batch.inbound, now=now)
        job_ids = repository.store_receipts(tx, batch.receipts, jobs)
        job_ids += answering.answer(tx, new, now=now, business_now=gateway.settings.clock().now())
    try:
        outbox.publish(gateway.database, gateway.broker, job_ids)
    except QueueError as error:
        # They are rows: the relay enqueues them, and the provider must not send the batch again.
        logger.warning("%d jobs are left to the outbox relay: %s", len(job_ids), error)


def _jobs_to_send_again(gateway: Gateway, batch: Batch) -> dict[str, NewJob]:
    """The jobs whose texts met a closed window, read before the transaction; RedisUnavailable ends the request."""
    jobs = {}
    for receipt in batch.receipts:
        if receipt.job_id is None or not repository.may_be_sent_again(receipt):
            continue
        try:
            job = gateway.store.job(receipt.job_id)
        except JobNotFound:
            logger.warning("job %s met a closed window and is forgotten: it can't be sent as template", receipt.job_id)
            continue
        options = replace(JobOptions(), priority=job.options.get("priority"))
        jobs[job.id] = NewJob(job.queue, job.name, dict(job.data), job.version, options)
    return jobs
