"""What callers may choose, for a job and for cleaning: which choice wins, which is refused."""

from __future__ import annotations

from typing import Any

import pytest

from shared.broker.options import (
    JobOptions,
)
from shared.errors import InvalidOption
from shared.jobs import JobQueueService
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
