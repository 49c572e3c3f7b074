"""From a message to a job: the key and delay that a call has by default, and the caller's options over them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import ValidationError

from shared.broker.options import MAX_KEY_LENGTH, DeduplicationMode, JobOptions, NewJob
from shared.clock import Clock
from shared.errors import InvalidOption
from shared.messages import (
    Message,
    ProcessOrder,
    RemindRetailer,
    RouteOrder,
    ScoreRetailer,
    dump,
    load,
    message_class,
    validate_data,
)
from shared.messages.fields import Choice
from shared.messages.orders import PaymentRecord, PaymentReversal, StatusUpdate, VendorAssignment
from shared.messages.whatsapp import Language
from shared.queues import Queue

CREDIT_SCORE_DELAY_MS = 5_000
RETRY_ROUTING_DELAY_MS = 60_000

_NO_OPTIONS = JobOptions()
_today = Clock().today
_LANGUAGE = Choice(Language)


@dataclass(frozen=True, slots=True)
class CallDefaults:
    """What a call asks for unless its options say otherwise."""

    deduplication_key: str | None = None
    deduplication_mode: DeduplicationMode = DeduplicationMode.UNTIL_FINISHED
    delay_ms: int = 0


_NO_DEFAULTS = CallDefaults()


def call_defaults(message: Message, today: Callable[[], date] = _today) -> CallDefaults:
    """The default deduplication key and delay of a message; ``today`` gives the business day (reminders ask for it)."""
    match message:
        case ScoreRetailer():
            key = _key("credit-score", message.retailer_id)
            return CallDefaults(key, DeduplicationMode.REPLACE, CREDIT_SCORE_DELAY_MS)
        case RouteOrder():
            key = _key("order-routing", message.order_id, message.attempt)
            return CallDefaults(key, delay_ms=RETRY_ROUTING_DELAY_MS if message.attempt > 1 else 0)
        case RemindRetailer():
            subject = message.order_id or message.retailer_id
            return CallDefaults(_key("payment-reminder", message.type, subject, today().isoformat()))
        case ProcessOrder():
            return CallDefaults(_key("order", message.action, message.order_id, *_distinction(message)))
        case _:
            return _NO_DEFAULTS


def new_job(
    message: Message, options: Mapping[str, Any] | None = None, *, today: Callable[[], date] = _today
) -> NewJob:
    """The job that asks for ``message``, with its call's defaults under ``options`` (the API's names, milliseconds).

    For actors that enqueue through the outbox; ``today`` is their clock's business day, which only reminders ask
    for. Raises ``ValidationError`` for a message that its own schema refuses
    and ``InvalidOption`` for a wrong option.
    """
    data = validate_data(message.QUEUE, message.JOB_NAME, dump(message))
    return _job(message, data, job_options(options or {}, call_defaults(message, today)))


def job_options(options: Mapping[str, Any], defaults: CallDefaults = _NO_DEFAULTS) -> JobOptions:
    """The options of one job: the caller's over the call's defaults.

    ``deduplicate`` false drops every key, true needs one (the caller's or the default). Raises ``InvalidOption``.
    """
    if not options and defaults is _NO_DEFAULTS:
        return _NO_OPTIONS
    chosen = {name: value for name, value in options.items() if value is not None}
    deduplicate = chosen.pop("deduplicate", None)
    if deduplicate is not None and not isinstance(deduplicate, bool):
        raise InvalidOption("deduplicate must be true or false", field="deduplicate")
    if deduplicate is False:
        for name in ("deduplicationKey", "deduplicationMode", "deduplicationWindow"):
            chosen.pop(name, None)
    elif "deduplicationKey" not in chosen and defaults.deduplication_key is not None:
        chosen["deduplicationKey"] = defaults.deduplication_key
        chosen.setdefault("deduplicationMode", defaults.deduplication_mode)
    elif "deduplicationKey" not in chosen and (deduplicate or "deduplicationMode" in chosen):
        raise InvalidOption(
            "deduplicationKey is required: this job has no key of its own to be deduplicated by",
            field="deduplicationKey",
        )
    if defaults.delay_ms:
        chosen.setdefault("delay", defaults.delay_ms)
    return JobOptions.from_json(chosen)


def with_language(queue: Queue, data: object, options: Mapping[str, Any]) -> tuple[object, Mapping[str, Any]]:
    """Move the option ``language`` of a WhatsApp job into its data, unless the data has a language of its own.

    Raises ``InvalidOption`` for a language that no text exists in.
    """
    if queue is not Queue.WHATSAPP or "language" not in options:
        return data, options
    rest = {name: value for name, value in options.items() if name != "language"}
    if options["language"] is None:
        return data, rest
    try:
        language = _LANGUAGE.read(options["language"])
    except ValidationError as error:
        raise InvalidOption(f"language {error.messages[0]}", field="language") from error
    if isinstance(data, Mapping) and data.get("language") is None:
        data = {**data, "language": language.value}
    return data, rest


def job_from(
    queue: Queue, name: str, data: object, options: Mapping[str, Any], defaults_for: Callable[[Message], CallDefaults]
) -> NewJob:
    """The job for data and options as a caller sent them (JSON names).

    Raises ``ValidationError`` (unknown name, wrong fields) and ``InvalidOption``.
    """
    target = message_class(queue, name)
    data, options = with_language(queue, data, options)
    message = load(queue, name, data, target.VERSION)
    return _job(message, dump(message), job_options(options, defaults_for(message)))


def no_defaults(_message: Message) -> CallDefaults:
    """For the generic ``add_job``, which asks for exactly what its options say."""
    return _NO_DEFAULTS


def _job(message: Message, data: dict[str, Any], options: JobOptions) -> NewJob:
    return NewJob(queue=message.QUEUE, name=message.JOB_NAME, data=data, version=message.VERSION, options=options)


def _distinction(message: ProcessOrder) -> tuple[str, ...]:
    """What tells an action on an order from the same action on the same order that means something else."""
    match message.data:
        case StatusUpdate(status=status):
            return (status,)
        case VendorAssignment(vendor_id=vendor_id):
            return (vendor_id,)
        case PaymentRecord(number=number) | PaymentReversal(number=number):
            return (number,)
        case _:
            return ()


def _key(*parts: object) -> str:
    """``order-CONFIRM-ORD2611000001``; what the engine can't take as a key becomes a hash of itself."""
    key = "-".join(str(part) for part in parts)
    if len(key) <= MAX_KEY_LENGTH and key.isprintable():
        return key
    return f"{parts[0]}-{hashlib.sha256(key.encode()).hexdigest()}"
