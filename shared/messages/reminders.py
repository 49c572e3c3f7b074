"""Messages of the queue ``reminders``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from shared.messages.base import ContractSchema, Message
from shared.messages.fields import Choice, Id
from shared.queues import Queue


class ReminderType(StrEnum):
    """How grave a payment reminder is."""

    OVERDUE = "OVERDUE"
    DUE_SOON = "DUE_SOON"
    FINAL_NOTICE = "FINAL_NOTICE"


@dataclass(frozen=True, slots=True)
class RemindRetailer(Message):
    """Remind a retailer of one order, or of all orders that the type applies to (``order_id`` None)."""

    QUEUE: ClassVar[Queue] = Queue.PAYMENT_REMINDERS
    JOB_NAME: ClassVar[str] = "payment-reminder"

    retailer_id: str
    type: ReminderType
    order_id: str | None = None


class RemindRetailerSchema(ContractSchema):
    """The JSON of ``RemindRetailer``."""

    TARGET = RemindRetailer
    retailer_id = Id()
    order_id = Id(required=False)
    type = Choice(ReminderType)
