"""The figures and words of the requirement, as it states them."""

from __future__ import annotations

import pytest

from shared.broker.outcome import backoff_delay_ms
from shared.messages.credit import Trigger
from shared.messages.orders import OrderAction
from shared.messages.reminders import ReminderType
from shared.messages.reports import ReportType
from shared.messages.whatsapp import MessageType
from shared.queues import POLICIES, Backoff, BackoffType, Queue


@pytest.mark.parametrize(
    ("queue", "concurrency", "attempts"),
    [
        (Queue.WHATSAPP, 5, 3),
        (Queue.CREDIT_SCORE, 2, 3),
        (Queue.ORDER_ROUTING, 3, 3),
        (Queue.PAYMENT_REMINDERS, 3, 3),
        (Queue.REPORT_GENERATION, 1, 2),
        (Queue.ORDER_PROCESSING, 5, 3),
    ],
)
def test_each_queue_has_the_requirements_concurrency_and_attempts(
    queue: Queue, concurrency: int, attempts: int
) -> None:
    assert (POLICIES[queue].concurrency, POLICIES[queue].attempts) == (concurrency, attempts)


def test_a_report_may_take_five_minutes() -> None:
    assert POLICIES[Queue.REPORT_GENERATION].timeout_ms == 5 * 60 * 1000


@pytest.mark.parametrize("queue", list(Queue))
def test_every_queue_keeps_100_completed_and_500_failed_jobs(queue: Queue) -> None:
    assert (POLICIES[queue].keep_completed, POLICIES[queue].keep_failed) == (100, 500)


@pytest.mark.parametrize("queue", list(Queue))
def test_every_queue_waits_two_then_four_seconds_before_the_next_attempt(queue: Queue) -> None:
    assert [backoff_delay_ms(POLICIES[queue].backoff, attempt) for attempt in (1, 2)] == [2_000, 4_000]


def test_a_fixed_backoff_is_the_same_after_every_attempt() -> None:
    backoff = Backoff(BackoffType.FIXED, 5_000)

    assert [backoff_delay_ms(backoff, attempt) for attempt in (1, 2, 3, 4)] == [5_000] * 4


def test_the_words_of_the_requirement_are_known() -> None:
    assert {member.value for member in MessageType} == {
        "ORDER_CONFIRMATION",
        "VENDOR_NOTIFICATION",
        "DELIVERY_UPDATE",
        "PAYMENT_REMINDER",
        "BALANCE_INQUIRY_RESPONSE",
        "GENERIC_MESSAGE",
    }
    assert {member.value for member in Trigger} == {"order_confirmed", "order_completed", "payment_received", "manual"}
    assert {member.value for member in ReminderType} == {"OVERDUE", "DUE_SOON", "FINAL_NOTICE"}
    assert {member.value for member in ReportType} == {
        "CREDIT_SUMMARY",
        "PURCHASE_VOLUME",
        "PAYMENT_DISCIPLINE",
        "OUTSTANDING_LIABILITY",
    }
    assert {"CONFIRM", "ASSIGN_VENDOR", "UPDATE_STATUS", "COMPLETE", "CANCEL"} <= {
        member.value for member in OrderAction
    }
