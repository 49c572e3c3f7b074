from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError

from shared.broker.options import (
    ClientLimit,
    DeduplicationMode,
    Enqueued,
    Idempotency,
    JobOptions,
    NewJob,
    new_job_id,
    qualified_job_id,
)
from shared.broker.states import State
from shared.clock import Clock
from shared.errors import InvalidOption
from shared.jobs import JobQueueService, new_job
from shared.messages import RemindRetailer, ScoreRetailer, SendMessage
from shared.messages.credit import Trigger
from shared.messages.reminders import ReminderType
from shared.queues import Backoff, BackoffType, Queue

CONFIRMATION = {
    "orderNumber": "ORD-2026-001",
    "total": 1500.00,
    "items": [{"productName": "Basmati Rice 1 kg", "quantity": 2, "unitPrice": 750.00}],
}
ORDER_DATA = {"retailerId": "RET001", "items": [{"productId": "RICE-1KG", "quantity": 2}]}


class RecordingBroker:
    """Takes every job and remembers it."""

    def __init__(self) -> None:
        self.jobs: list[NewJob] = []
        self.calls: list[tuple[Idempotency | None, ClientLimit | None]] = []

    def add(
        self, job: NewJob, *, idempotency: Idempotency | None = None, client: ClientLimit | None = None
    ) -> Enqueued:
        return self.add_many([job], idempotency=idempotency, client=client)[0]

    def add_many(
        self, jobs: Sequence[NewJob], *, idempotency: Idempotency | None = None, client: ClientLimit | None = None
    ) -> list[Enqueued]:
        self.jobs += jobs
        self.calls.append((idempotency, client))
        return [
            Enqueued(
                qualified_job_id(job.queue, job.options.job_id) if job.options.job_id else new_job_id(job.queue),
                job.queue,
                State.WAITING,
                deduplicated=False,
                created=True,
            )
            for job in jobs
        ]


class FixedClock(Clock):
    """It is 23:59 in Kathmandu on 24 November 2026, while UTC says 18:14."""

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 18, 14, tzinfo=UTC)


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


def test_the_callers_options_win_over_the_calls_defaults(jobs: JobQueueService, broker: RecordingBroker) -> None:
    jobs.calculate_credit_score(
        "RET001",
        "manual",
        delay=0,
        attempts=5,
        backoff={"type": "fixed", "delay": 5000},
        timeout=1000,
        priority=1,
        deduplication_key="mine",
        remove_on_complete=10,
        remove_on_fail=20,
        job_id="score-1",
    )

    assert broker.jobs[0].options == JobOptions(
        delay_ms=0,
        attempts=5,
        backoff=Backoff(BackoffType.FIXED, 5000),
        timeout_ms=1000,
        priority=1,
        deduplication_key="mine",
        keep_completed=10,
        keep_failed=20,
        job_id="score-1",
    )


def test_a_job_that_is_not_to_be_deduplicated_has_no_key_at_all(jobs: JobQueueService, broker: RecordingBroker) -> None:
    jobs.confirm_order("O1", deduplicate=False)
    jobs.confirm_order("O1", deduplicate=False, deduplication_key="mine", deduplication_mode="replace")

    assert [job.options for job in broker.jobs] == [JobOptions(), JobOptions()]


def test_deduplication_without_any_key_is_refused(jobs: JobQueueService, broker: RecordingBroker) -> None:
    with pytest.raises(InvalidOption, match="deduplicationKey is required") as caught:
        jobs.send_whatsapp_message("ORDER_CONFIRMATION", "9800000000", CONFIRMATION, deduplicate=True)

    assert caught.value.field == "deduplicationKey"
    assert broker.jobs == []


def test_deduplication_with_a_calls_own_key_is_what_it_does_anyway(
    jobs: JobQueueService, broker: RecordingBroker
) -> None:
    jobs.confirm_order("O1", deduplicate=True)

    assert broker.jobs[0].options.deduplication_key == "order-CONFIRM-O1"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"deduplicate": "yes"}, "deduplicate"),
        ({"delay": -1}, "delay"),
        ({"dealy": 5}, "dealy"),
        ({"language": "ne"}, "language"),
        ({"deduplication_mode": "replace", "deduplicate": True, "deduplication_key": ""}, "deduplicationKey"),
    ],
)
def test_a_wrong_option_is_named(jobs: JobQueueService, broker: RecordingBroker, options: Any, field: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        jobs.confirm_order("O1", **options)

    assert caught.value.field == field
    assert broker.jobs == []


def test_a_language_without_texts_is_refused(jobs: JobQueueService) -> None:
    with pytest.raises(InvalidOption, match="language must be one of ne, en") as caught:
        jobs.send_whatsapp_message("ORDER_CONFIRMATION", "9800000000", CONFIRMATION, language="fr")

    assert caught.value.field == "language"


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


class RecordingStore:
    def clean(self, queue: Queue, grace_hours: float) -> tuple[Queue, float]:
        return queue, grace_hours


def test_cleaning_names_the_queue_and_the_grace(jobs: JobQueueService) -> None:
    assert jobs.clean_old_jobs("WHATSAPP", 24, RecordingStore()) == (Queue.WHATSAPP, 24)


@pytest.mark.parametrize("hours", [-1, True, "24", None, float("nan")])
def test_a_grace_is_a_number_of_hours(jobs: JobQueueService, hours: Any) -> None:
    with pytest.raises(InvalidOption) as caught:
        jobs.clean_old_jobs("WHATSAPP", hours, RecordingStore())

    assert caught.value.field == "gracePeriodHours"


def test_the_business_day_of_a_reminder_is_the_one_given() -> None:
    job = new_job(RemindRetailer("RET001", ReminderType.DUE_SOON, "O1"), today=lambda: date(2026, 12, 1))

    assert job.options.deduplication_key == "payment-reminder-DUE_SOON-O1-2026-12-01"
