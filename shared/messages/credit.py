"""Messages of the queue ``credit``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from shared.messages.base import ContractSchema, Message
from shared.messages.fields import Choice, Id
from shared.queues import Queue


class Trigger(StrEnum):
    """Why a credit score is calculated anew; ``manual`` is whatever the others aren't."""

    ORDER_CONFIRMED = "order_confirmed"
    ORDER_COMPLETED = "order_completed"
    PAYMENT_RECEIVED = "payment_received"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class ScoreRetailer(Message):
    """Calculate one retailer's credit score."""

    QUEUE: ClassVar[Queue] = Queue.CREDIT_SCORE
    JOB_NAME: ClassVar[str] = "credit-score-calculation"

    retailer_id: str
    trigger: Trigger


class ScoreRetailerSchema(ContractSchema):
    """The JSON of ``ScoreRetailer``."""

    TARGET = ScoreRetailer
    retailer_id = Id()
    trigger = Choice(Trigger)
