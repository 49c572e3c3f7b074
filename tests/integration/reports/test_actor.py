"""What the actor does around making a report: progress, and what an attempt that fails leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from dramatiq.brokers.stub import StubBroker
from dramatiq.results import Results
from dramatiq.results.backends import StubBackend

from services.reports.actors import declare
from shared.broker.proxy import CurrentJob, JobProxy, set_current_job
from shared.business import ReportState
from shared.errors import Refused
from shared.messages.reports import GenerateReport
from shared.queues import POLICIES, Queue
from tests.integration.reports.office import Office

DATA = {"type": "OUTSTANDING_LIABILITY", "format": "csv", "filters": {"city": "Kathmandu"}, "userId": "sita"}


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    broker = StubBroker(middleware=[Results(backend=StubBackend())])  # type: ignore[no-untyped-call]
    yield broker
    broker.close()


def perform(broker: StubBroker, data: dict[str, Any], *, attempt: int, told: list[object]) -> Any:
    """One of two attempts, as the worker makes it: in the thread that holds the job."""
    proxy = JobProxy("reports-1", Queue.REPORT_GENERATION.value, GenerateReport.JOB_NAME, "token")
    proxy.options.update({"v": 1})
    proxy.attempt, proxy.attempts = attempt, 2
    proxy.backoff = POLICIES[Queue.REPORT_GENERATION].backoff
    proxy.stalls = proxy.released_ms = proxy.created_at_ms = proxy.fetched_at_ms = 0

    def store(_job: object, value: object) -> bool:
        told.append(value)
        return True

    set_current_job(CurrentJob(proxy, store))
    try:
        return broker.get_actor(GenerateReport.JOB_NAME).fn(**data)
    finally:
        set_current_job(None)


def test_the_actor_makes_the_report_and_tells_its_progress(office: Office, broker: StubBroker) -> None:
    declare(office.maker, office.mailer).bind(broker, office.database)
    office.shop(city="Kathmandu")
    told: list[object] = []
    result = perform(broker, DATA, attempt=1, told=told)
    assert (result["success"], result["rowCount"], result["format"]) == (True, 1, "csv")
    assert told == [90, 100]
    record = office.record()
    assert (record.owner, record.filters) == ("sita", {"city": "Kathmandu"})
    with closing(office.storage.open(record.location or "")) as file:
        assert file.read().startswith(b"Retailer Code,Shop Name,Phone,Outstanding,")


def test_a_refused_report_has_failed_with_its_first_attempt(office: Office, broker: StubBroker) -> None:
    declare(office.maker, office.mailer).bind(broker, office.database)
    with pytest.raises(Refused):
        perform(broker, DATA | {"filters": {"retailerId": "RET404"}}, attempt=1, told=[])
    assert office.record().state is ReportState.FAILED
    assert office.files() == []


def test_a_report_that_breaks_is_pending_until_its_last_attempt_has_failed(
    office: Office, broker: StubBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise OSError("no space left")

    declare(office.maker, office.mailer).bind(broker, office.database)
    monkeypatch.setattr(office.storage, "save_draft", breaks)
    for attempt, state in ((1, ReportState.PENDING), (2, ReportState.FAILED)):
        with pytest.raises(OSError, match="no space"):
            perform(broker, DATA, attempt=attempt, told=[])
        assert office.record().state is state
