from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError

from shared.broker.options import (
    ClientLimit,
    DeduplicationMode,
    Idempotency,
    JobOptions,
)
from shared.jobs import JobQueueService, new_job
from shared.messages import RemindRetailer, ScoreRetailer, SendMessage
from shared.messages.credit import Trigger
from shared.messages.reminders import ReminderType
from shared.queues import Backoff, BackoffType, Queue
from tests.kit.recording_broker import FixedClock, RecordingBroker

CONFIRMATION = {
    "orderNumber": "ORD-2026-001",
    "total": 1500.00,
    "items": [{"productName": "Basmati Rice 1 kg", "quantity": 2, "unitPrice": 750.00}],
}
ORDER_DATA = {"retailerId": "RET001", "items": [{"productId": "RICE-1KG", "quantity": 2}]}


@pytest.fixture
def broker() -> RecordingBroker:
    return RecordingBroker()


@pytest.fixture
def jobs(broker: RecordingBroker) -> JobQueueService:
    return JobQueueService(broker, clock=FixedClock())


def test_a_whatsapp_message_has_no_key_and_no_delay_of_its_own(jobs: JobQueueService, broker: RecordingBroker) -> None:
    answer = jobs.send_whatsapp_message("ORDER_CONFIRMATION", "+977-9800000000", CONFIRMATION)

    (job,) = broker.jobs
    assert answer.queue is Queue.WHATSAPP
    assert (job.queue, job.name, job.version) == (Queue.WHATSAPP, "message", SendMessage.VERSION)
    assert job.data["recipient"] == "+9779800000000"
    assert job.options == JobOptions()


def test_the_requirements_deduplicated_message_carries_the_callers_key(
    jobs: JobQueueService, broker: RecordingBroker
) -> None:
    jobs.send_whatsapp_message(
        "ORDER_CONFIRMATION",
        "9800000000",
        CONFIRMATION,
        deduplicate=True,
        deduplication_key="order-confirmation-1",
        language="ne",
    )

    (job,) = broker.jobs
    assert job.options == JobOptions(deduplication_key="order-confirmation-1")
    assert job.data["language"] == "ne"


def test_a_credit_score_waits_five_seconds_and_takes_the_newest_trigger(
    jobs: JobQueueService, broker: RecordingBroker
) -> None:
    jobs.calculate_credit_score("RET001", "order_confirmed")

    (job,) = broker.jobs
    assert job.data == {"retailerId": "RET001", "trigger": "order_confirmed"}
    assert job.options == JobOptions(
        delay_ms=5_000, deduplication_key="credit-score-RET001", deduplication_mode=DeduplicationMode.REPLACE
    )


@pytest.mark.parametrize(
    ("call", "key", "delay_ms", "data"),
    [
        (
            lambda jobs: jobs.route_order("O1", ORDER_DATA),
            "order-routing-O1-1",
            0,
            {"orderId": "O1", "orderData": ORDER_DATA, "attempt": 1},
        ),
        (
            lambda jobs: jobs.retry_order_routing("O1", "VEN001"),
            "order-routing-O1-2",
            60_000,
            {"orderId": "O1", "attempt": 2, "previousVendorId": "VEN001"},
        ),
        (
            lambda jobs: jobs.retry_order_routing("O1", "VEN001", 3),
            "order-routing-O1-3",
            60_000,
            {"orderId": "O1", "attempt": 3, "previousVendorId": "VEN001"},
        ),
        (
            lambda jobs: jobs.send_payment_reminder("RET001", "O1", "OVERDUE"),
            "payment-reminder-OVERDUE-O1-2026-11-24",
            0,
            {"retailerId": "RET001", "orderId": "O1", "type": "OVERDUE"},
        ),
        (
            lambda jobs: jobs.send_payment_reminder("RET001", None, "FINAL_NOTICE"),
            "payment-reminder-FINAL_NOTICE-RET001-2026-11-24",
            0,
            {"retailerId": "RET001", "type": "FINAL_NOTICE"},
        ),
        (
            lambda jobs: jobs.generate_report(
                "CREDIT_SUMMARY", "pdf", {"startDate": "2026-01-01"}, "u1", "a@example.com"
            ),
            None,
            0,
            {
                "type": "CREDIT_SUMMARY",
                "format": "pdf",
                "filters": {"startDate": "2026-01-01"},
                "userId": "u1",
                "email": "a@example.com",
            },
        ),
        (
            lambda jobs: jobs.confirm_order("O1"),
            "order-CONFIRM-O1",
            0,
            {"orderId": "O1", "action": "CONFIRM", "data": {}},
        ),
        (
            lambda jobs: jobs.assign_vendor_to_order("O1", "VEN001"),
            "order-ASSIGN_VENDOR-O1-VEN001",
            0,
            {"orderId": "O1", "action": "ASSIGN_VENDOR", "data": {"vendorId": "VEN001"}},
        ),
        (
            lambda jobs: jobs.update_order_status("O1", "DISPATCHED", "Out for delivery"),
            "order-UPDATE_STATUS-O1-DISPATCHED",
            0,
            {
                "orderId": "O1",
                "action": "UPDATE_STATUS",
                "data": {"status": "DISPATCHED", "notes": "Out for delivery"},
            },
        ),
        (
            lambda jobs: jobs.complete_order("O1"),
            "order-COMPLETE-O1",
            0,
            {"orderId": "O1", "action": "COMPLETE", "data": {}},
        ),
        (
            lambda jobs: jobs.cancel_order("O1", "Customer request"),
            "order-CANCEL-O1",
            0,
            {
                "orderId": "O1",
                "action": "CANCEL",
                "data": {"reason": "Customer request", "cancelledBy": "PLATFORM"},
            },
        ),
        (
            lambda jobs: jobs.record_payment(
                "O1", "PAY1", Decimal("750.50"), "CASH", datetime(2026, 11, 24, 5, 43, tzinfo=UTC)
            ),
            "order-RECORD_PAYMENT-O1-PAY1",
            0,
            {
                "orderId": "O1",
                "action": "RECORD_PAYMENT",
                "data": {"number": "PAY1", "amount": 750.5, "method": "CASH", "paidAt": "2026-11-24T05:43:00Z"},
            },
        ),
        (
            lambda jobs: jobs.reverse_payment("O1", "PAY1", "Cheque bounced"),
            "order-REVERSE_PAYMENT-O1-PAY1",
            0,
            {
                "orderId": "O1",
                "action": "REVERSE_PAYMENT",
                "data": {"number": "PAY1", "reason": "Cheque bounced"},
            },
        ),
        (
            lambda jobs: jobs.vendor_response("O1", "VEN001", "DECLINE", "No rice left"),
            None,
            0,
            {"orderId": "O1", "vendorId": "VEN001", "response": "DECLINE", "reason": "No rice left"},
        ),
    ],
)
def test_each_call_has_its_key_delay_and_data(
    jobs: JobQueueService, broker: RecordingBroker, call: Any, key: str | None, delay_ms: int, data: dict[str, Any]
) -> None:
    call(jobs)

    (job,) = broker.jobs
    assert job.options == JobOptions(delay_ms=delay_ms, deduplication_key=key)
    assert job.data == data


def test_wrong_data_enqueues_nothing(jobs: JobQueueService, broker: RecordingBroker) -> None:
    with pytest.raises(ValidationError) as caught:
        jobs.send_whatsapp_message("ORDER_CONFIRMATION", "12345", CONFIRMATION)

    assert set(caught.value.messages) == {"recipient"}
    assert broker.jobs == []


def test_the_requirements_add_job_asks_for_what_its_options_say(jobs: JobQueueService, broker: RecordingBroker) -> None:
    data = {"type": "ORDER_CONFIRMATION", "recipient": "9800000000", "data": CONFIRMATION}

    jobs.add_job("WHATSAPP", "message", data, attempts=5, backoff={"type": "fixed", "delay": 5000})

    assert broker.jobs[0].options == JobOptions(attempts=5, backoff=Backoff(BackoffType.FIXED, 5000))


def test_a_generic_job_has_no_key_unless_it_asks(jobs: JobQueueService, broker: RecordingBroker) -> None:
    jobs.add_job("ORDER_PROCESSING", "order", {"orderId": "O1", "action": "CONFIRM"})

    assert broker.jobs[0].options == JobOptions()


@pytest.mark.parametrize(
    ("queue_key", "name", "data", "wrong"),
    [
        ("WHATSAP", "message", {}, "queue"),
        ("WHATSAPP", "sms", {}, "name"),
        ("ORDER_PROCESSING", "order", {"orderId": "O1"}, "data"),
        ("ORDER_PROCESSING", "order", None, "data"),
    ],
)
def test_what_is_wrong_in_a_generic_job_is_named(
    jobs: JobQueueService, queue_key: str, name: str, data: Any, wrong: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        jobs.add_job(queue_key, name, data)

    assert set(caught.value.messages) == {wrong}


def test_jobs_can_be_made_first_and_enqueued_together(jobs: JobQueueService, broker: RecordingBroker) -> None:
    made = [
        jobs.job_for(ScoreRetailer, {"retailerId": "RET001", "trigger": "manual"}, {"priority": 1}),
        jobs.any_job("CREDIT_SCORE", "credit-score-calculation", {"retailerId": "RET002", "trigger": "manual"}),
        jobs.message_job(RemindRetailer("RET001", ReminderType.OVERDUE)),
    ]
    assert broker.jobs == []
    idempotency, client = Idempotency("key", "token-1", "hash"), ClientLimit("token-1", 10)

    answers = jobs.enqueue_many(made, idempotency=idempotency, client=client)

    assert [answer.queue for answer in answers] == [Queue.CREDIT_SCORE, Queue.CREDIT_SCORE, Queue.PAYMENT_REMINDERS]
    assert broker.jobs == made
    assert broker.calls == [(idempotency, client)]
    assert made[2].options.deduplication_key == "payment-reminder-OVERDUE-RET001-2026-11-24"


def test_a_message_made_in_code_is_validated_too() -> None:
    with pytest.raises(ValidationError) as caught:
        new_job(ScoreRetailer("", Trigger.MANUAL))

    assert set(caught.value.messages) == {"retailerId"}


def test_an_id_that_no_key_can_hold_still_has_one_key(jobs: JobQueueService, broker: RecordingBroker) -> None:
    joined = "गर्\u200dयो"
    for order_id in (joined, joined, "x" * 64):
        jobs.confirm_order(order_id)

    first, again, other = (job.options.deduplication_key for job in broker.jobs)
    assert first == again
    assert first is not None
    assert first.startswith("order-")
    assert first != other


def test_the_business_day_of_a_reminder_is_the_one_given() -> None:
    job = new_job(RemindRetailer("RET001", ReminderType.DUE_SOON, "O1"), today=lambda: date(2026, 12, 1))

    assert job.options.deduplication_key == "payment-reminder-DUE_SOON-O1-2026-12-01"
