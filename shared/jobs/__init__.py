"""JobQueueService: the calls of the platform, one for each thing that can be asked of the workers.

Each call validates its data with the schema of its message, adds the call's default key and delay and
enqueues the job; it returns the engine's answer, or raises ``ValidationError`` (wrong data),
``InvalidOption`` (wrong option) or what ``DokoBroker.add`` raises.

Options are keywords, durations in milliseconds: ``delay``, ``attempts``, ``backoff`` (a ``Backoff`` or
``{"type", "delay"}``), ``timeout``, ``priority`` (1 first to 100), ``deduplicate``, ``deduplication_key``,
``deduplication_mode``, ``deduplication_window``, ``remove_on_complete``, ``remove_on_fail``, ``job_id``;
for WhatsApp also ``language``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from marshmallow import ValidationError

from shared.broker.options import ClientLimit, Enqueued, Idempotency, NewJob
from shared.clock import Clock
from shared.database.session import Database
from shared.errors import InvalidOption
from shared.flows import Asked, FlowStep, create_flow
from shared.jobs.requests import CallDefaults, call_defaults, job_from, new_job, no_defaults
from shared.messages import (
    AnswerOffer,
    GenerateReport,
    Message,
    ProcessOrder,
    RemindRetailer,
    RouteOrder,
    ScoreRetailer,
    SendMessage,
    message_class,
    queue_of_key,
)
from shared.messages.credit import Trigger
from shared.messages.fields import camel_case
from shared.messages.orders import CancelledBy, OrderAction
from shared.queues import Queue

__all__ = ["JobQueueService", "in_json_names", "new_job"]

Cleaned = TypeVar("Cleaned", covariant=True)  # noqa: PLC0105 - reads as what it is


class Enqueues(Protocol):
    """What the service needs of the broker."""

    def add(
        self, job: NewJob, *, idempotency: Idempotency | None = None, client: ClientLimit | None = None
    ) -> Enqueued:
        """Enqueue one job."""

    def add_many(
        self, jobs: Sequence[NewJob], *, idempotency: Idempotency | None = None, client: ClientLimit | None = None
    ) -> list[Enqueued]:
        """Enqueue many jobs."""


class Cleans(Protocol[Cleaned]):
    """What ``clean_old_jobs`` needs of the job store."""

    def clean(self, queue: Queue, grace_hours: float) -> Cleaned:
        """Remove old finished jobs."""


class JobQueueService:
    """Enqueues the platform's jobs through ``broker``; ``clock`` gives the business day of reminders."""

    def __init__(self, broker: Enqueues, *, clock: Clock | None = None) -> None:
        self._broker = broker
        self._clock = clock or Clock()

    def enqueue(
        self, job: NewJob, *, idempotency: Idempotency | None = None, client: ClientLimit | None = None
    ) -> Enqueued:
        """Enqueue a job that ``job_for``, ``any_job`` or ``message_job`` made."""
        return self._broker.add(job, idempotency=idempotency, client=client)

    def enqueue_many(
        self, jobs: Sequence[NewJob], *, idempotency: Idempotency | None = None, client: ClientLimit | None = None
    ) -> list[Enqueued]:
        """Enqueue many such jobs; the answers come in the same order."""
        return self._broker.add_many(jobs, idempotency=idempotency, client=client)

    def job_for(
        self, message: type[Message], data: Mapping[str, Any], options: Mapping[str, Any] | None = None
    ) -> NewJob:
        """The job of a call, not enqueued yet: data and options in the API's names, the call's defaults included."""
        return job_from(message.QUEUE, message.JOB_NAME, data, options or {}, self._defaults)

    def any_job(self, queue_key: str, name: str, data: object, options: Mapping[str, Any] | None = None) -> NewJob:
        """The job of the generic ``add_job``, not enqueued yet: no defaults but the queue's.

        Raises ``ValidationError`` with what is wrong in the data under ``data``, and an unknown queue or name under
        ``queue`` or ``name``, with the known ones listed.
        """
        queue = queue_of_key(queue_key)
        message_class(queue, name)
        try:
            return job_from(queue, name, data, options or {}, no_defaults)
        except ValidationError as error:
            raise ValidationError({"data": error.messages}) from error

    def message_job(self, message: Message, options: Mapping[str, Any] | None = None) -> NewJob:
        """The job that asks for a message made in code, not enqueued yet, the call's defaults included."""
        return new_job(message, options, today=self._clock.today)

    def send_whatsapp_message(
        self,
        type: str,  # noqa: A002 - the requirement's word
        recipient: str,
        data: Mapping[str, Any],
        **options: Any,
    ) -> Enqueued:
        """Send one WhatsApp message; ``language`` ("ne", "en") is for recipients who haven't chosen theirs."""
        return self._call(SendMessage, {"type": type, "recipient": recipient, "data": data}, options)

    def calculate_credit_score(self, retailer_id: str, trigger: str = Trigger.MANUAL, **options: Any) -> Enqueued:
        """Recalculate a retailer's score, 5 s from now: a burst of calls becomes one calculation."""
        return self._call(ScoreRetailer, {"retailerId": retailer_id, "trigger": trigger}, options)

    def route_order(self, order_id: str, order_data: Mapping[str, Any], **options: Any) -> Enqueued:
        """Find a vendor for an order; ``order_data`` is ``{retailerId, items: [{productId, quantity}]}``."""
        return self._call(RouteOrder, {"orderId": order_id, "orderData": order_data, "attempt": 1}, options)

    def retry_order_routing(
        self, order_id: str, previous_vendor_id: str | None, attempt: int = 2, **options: Any
    ) -> Enqueued:
        """Find the next vendor, 60 s from now, after ``previous_vendor_id`` declined or let the offer expire."""
        data = {"orderId": order_id, "previousVendorId": previous_vendor_id, "attempt": attempt}
        return self._call(RouteOrder, data, options)

    def send_payment_reminder(
        self,
        retailer_id: str,
        order_id: str | None,
        type: str,  # noqa: A002 - the requirement's word
        **options: Any,
    ) -> Enqueued:
        """Remind a retailer of one order, or (None) of all that ``type`` applies to; once a business day."""
        return self._call(RemindRetailer, {"retailerId": retailer_id, "orderId": order_id, "type": type}, options)

    def generate_report(
        self,
        type: str,  # noqa: A002 - the requirement's word
        format: str,  # noqa: A002 - the same
        filters: Mapping[str, Any] | None,
        user_id: str,
        email: str | None = None,
        **options: Any,
    ) -> Enqueued:
        """Make a report for a user and, where ``email`` is given, send it there."""
        data = {"type": type, "format": format, "filters": filters, "userId": user_id, "email": email}
        return self._call(GenerateReport, data, options)

    def confirm_order(self, order_id: str, **options: Any) -> Enqueued:
        """Confirm a draft order: tells the retailer, updates the score, finds a vendor."""
        return self._act(order_id, OrderAction.CONFIRM, {}, options)

    def assign_vendor_to_order(self, order_id: str, vendor_id: str, **options: Any) -> Enqueued:
        """Offer a confirmed order to a vendor."""
        return self._act(order_id, OrderAction.ASSIGN_VENDOR, {"vendorId": vendor_id}, options)

    def update_order_status(
        self,
        order_id: str,
        status: str,
        notes: str | None = None,
        occurred_at: datetime | str | None = None,
        **options: Any,
    ) -> Enqueued:
        """Set an order to ACCEPTED, DISPATCHED or DELIVERED; ``occurred_at`` if that didn't happen just now."""
        data = {"status": status, "notes": notes, "occurredAt": occurred_at}
        return self._act(order_id, OrderAction.UPDATE_STATUS, data, options)

    def complete_order(self, order_id: str, **options: Any) -> Enqueued:
        """Complete a delivered order."""
        return self._act(order_id, OrderAction.COMPLETE, {}, options)

    def cancel_order(
        self, order_id: str, reason: str, cancelled_by: str = CancelledBy.PLATFORM, **options: Any
    ) -> Enqueued:
        """Cancel an order that isn't completed; ``cancelled_by`` is RETAILER, VENDOR or PLATFORM."""
        return self._act(order_id, OrderAction.CANCEL, {"reason": reason, "cancelledBy": cancelled_by}, options)

    def record_payment(
        self,
        order_id: str,
        number: str,
        amount: Decimal | float | str,
        method: str,
        paid_at: datetime | str,
        **options: Any,
    ) -> Enqueued:
        """Record a payment of ``amount`` rupees on an order; ``number`` names it for ever."""
        data = {"number": number, "amount": amount, "method": method, "paidAt": paid_at}
        return self._act(order_id, OrderAction.RECORD_PAYMENT, data, options)

    def reverse_payment(self, order_id: str, number: str, reason: str, **options: Any) -> Enqueued:
        """Take the payment with that number on the order back."""
        return self._act(order_id, OrderAction.REVERSE_PAYMENT, {"number": number, "reason": reason}, options)

    def vendor_response(
        self, order_id: str, vendor_id: str, response: str, reason: str | None = None, **options: Any
    ) -> Enqueued:
        """Take a vendor's ACCEPT or DECLINE of the order it was offered."""
        data = {"orderId": order_id, "vendorId": vendor_id, "response": response, "reason": reason}
        return self._call(AnswerOffer, data, options)

    def add_job(self, queue_key: str, name: str, data: object, **options: Any) -> Enqueued:
        """Enqueue any job of any queue (``WHATSAPP``, ``message``): no defaults but the queue's. See ``any_job``."""
        return self._broker.add(self.any_job(queue_key, name, data, in_json_names(options)))

    def add_flow(self, steps: Sequence[FlowStep], database: Database, asked: Asked) -> str:
        """Enqueue jobs that wait for each other (``shared.flows``), all or none; returns the flow's id.

        ``FlowStep("score", service.any_job(…))`` and ``FlowStep("remind", …, depends_on=("score",))`` make a flow of
        two, ``chained([…])`` one in a row. Raises ``InvalidFlow`` or ``IdempotencyConflict``.
        """
        return create_flow(database, self._broker, steps, asked)

    def clean_old_jobs(self, queue_key: str, hours: float, store: Cleans[Cleaned]) -> Cleaned:
        """Remove jobs completed more than ``hours`` ago, and failed ones older than seven times that."""
        given: object = hours
        if isinstance(given, bool) or not isinstance(given, int | float) or not given >= 0:
            raise InvalidOption("gracePeriodHours must be a number from 0", field="gracePeriodHours")
        return store.clean(queue_of_key(queue_key), hours)

    def _act(self, order_id: str, action: OrderAction, data: Mapping[str, Any], options: Mapping[str, Any]) -> Enqueued:
        return self._call(ProcessOrder, {"orderId": order_id, "action": action, "data": data}, options)

    def _call(self, message: type[Message], data: Mapping[str, Any], options: Mapping[str, Any]) -> Enqueued:
        return self._broker.add(self.job_for(message, data, in_json_names(options)))

    def _defaults(self, message: Message) -> CallDefaults:
        return call_defaults(message, self._clock.today)


def in_json_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword options under the API's names: ``deduplication_key`` becomes ``deduplicationKey``."""
    return {camel_case(name): value for name, value in options.items()}
