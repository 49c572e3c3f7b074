"""Reading the bodies that say what to do with the order, or the payment, in the path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError

from gateway.context import current_gateway
from gateway.errors import Errors, errors_of, invalid
from gateway.job_requests import split_options, with_options, wrong_options
from gateway.order_reading import order_data, order_of_payment
from shared.broker.options import NewJob
from shared.messages import AnswerOffer, ContractSchema, Message, ProcessOrder, RouteOrder
from shared.messages.base import One
from shared.messages.fields import Choice, Id, Text, Whole, camel_case
from shared.messages.orders import ACTION_SCHEMAS, NOTES_LENGTH, OrderAction, PaymentReversal
from shared.messages.routing import MAX_ATTEMPT, REASON_LENGTH, Answer, OrderData, OrderDataSchema

SECOND_ATTEMPT = 2

_ID = Id()


class PathRequest:
    """Reads a body and ``options`` into the job about what the path names.

    ``message_of`` makes the message of the id in the path (under ``argument``) and of the body that was read.
    """

    def __init__(
        self,
        name: str,
        body: type[ContractSchema],
        message_of: Callable[[str, Any], Message],
        *,
        argument: str = "order_id",
    ) -> None:
        self._name = name
        self._body = body
        self._message_of = message_of
        self._argument = argument

    @cached_property
    def schema(self) -> Schema:
        """The body's fields and ``options``, for the OpenAPI document."""
        return with_options(self._name, self._body)()

    @cached_property
    def _reader(self) -> ContractSchema:
        return self._body()

    def read(self, data: Any) -> NewJob:
        """The job, not enqueued yet. Raises Problem 422 with everything that is wrong, the id in the path included."""
        body, options = split_options(data)
        wrong: Errors = {}
        parts: list[Any] = []
        for read in (lambda: id_in_path(self._argument), lambda: self._reader.read(body)):
            try:
                parts.append(read())
            except ValidationError as error:
                wrong |= errors_of(error)
        if wrong:
            raise invalid(wrong | wrong_options(options))
        return current_gateway().jobs.message_job(self._message_of(*parts), options)


def id_in_path(argument: str) -> str:
    """The id in the request's path. Raises ValidationError under the JSON name of ``argument``."""
    try:
        return _ID.read((request.view_args or {})[argument])
    except ValidationError as error:
        raise ValidationError({camel_case(argument): error.messages}) from error


def action_request(action: OrderAction) -> PathRequest:
    """The body of an action: what its data is in a message."""
    name = action.value.title().replace("_", "") + "Order"
    return PathRequest(name, ACTION_SCHEMAS[action], lambda order_id, data: ProcessOrder(order_id, action, data))


@dataclass(frozen=True, slots=True)
class FirstRouting:
    """What the order wants and for whom, as far as the caller says it."""

    order_data: OrderData | None


class FirstRoutingSchema(ContractSchema):
    """``{orderData?}``: without it the order is taken as it is in the database."""

    TARGET = FirstRouting
    order_data = One(OrderDataSchema, required=False)


def first_routing(order_id: str, body: FirstRouting) -> RouteOrder:
    """The first look for a vendor. Raises Problem 404 if the order's data is to be looked up and it is unknown."""
    return RouteOrder(order_id, body.order_data or order_data(order_id))


@dataclass(frozen=True, slots=True)
class NextRouting:
    """Whose turn is over, and how many looks there were."""

    previous_vendor_id: str
    attempt: int


class NextRoutingSchema(ContractSchema):
    """``{previousVendorId, attempt?}``."""

    TARGET = NextRouting
    previous_vendor_id = Id()
    attempt = Whole(SECOND_ATTEMPT, MAX_ATTEMPT, required=False, default=SECOND_ATTEMPT)


def next_routing(order_id: str, body: NextRouting) -> RouteOrder:
    """A later look for a vendor."""
    return RouteOrder(order_id, attempt=body.attempt, previous_vendor_id=body.previous_vendor_id)


@dataclass(frozen=True, slots=True)
class VendorResponse:
    """What a vendor says to an offer."""

    vendor_id: str
    response: Answer
    reason: str | None


class VendorResponseSchema(ContractSchema):
    """``{vendorId, response, reason?}``."""

    TARGET = VendorResponse
    vendor_id = Id()
    response = Choice(Answer)
    reason = Text(REASON_LENGTH, multiline=True, required=False)


def vendor_response(order_id: str, body: VendorResponse) -> AnswerOffer:
    """The vendor's answer to the offer of the order."""
    return AnswerOffer(order_id, body.vendor_id, body.response, body.reason)


@dataclass(frozen=True, slots=True)
class Reversal:
    """Why a payment is taken back."""

    reason: str


class ReversalSchema(ContractSchema):
    """``{reason}``."""

    TARGET = Reversal
    reason = Text(NOTES_LENGTH, multiline=True)


def reversal(number: str, body: Reversal) -> ProcessOrder:
    """Takes the payment back from its order. Raises Problem 404 for a number that no payment has."""
    data = PaymentReversal(number, body.reason)
    return ProcessOrder(order_of_payment(number), OrderAction.REVERSE_PAYMENT, data)
