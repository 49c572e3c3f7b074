"""What reaches Sentry: raw envelopes at a local ingest, from the real engine and a real Flask application."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import flask
import pytest
import sentry_sdk
from sentry_sdk.integrations.flask import FlaskIntegration
from typing_extensions import override

from shared.broker import JobOptions, NewJob, make_broker
from shared.errors import PermanentError, Refused
from shared.job_store import JobStore
from shared.queues import Backoff, BackoffType, Queue
from shared.sentry import configure_sentry, report_failures
from shared.settings import Settings
from tests.doubles.sentry_ingest import SentryIngest

PHONE = "+9779812345678"
TEXT = "Namaste Ram, your rice is ready"
DATA = {"type": "GENERIC_MESSAGE", "recipient": PHONE, "data": {"message": TEXT}}
TIMEOUT_S = 20


class Ingest(SentryIngest):
    """The double, for an SDK that runs in this process."""

    @property
    @override
    def raw(self) -> bytes:
        """Everything that was sent until now."""
        sentry_sdk.flush(TIMEOUT_S)
        return super().raw


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest() as ingest:
        yield ingest
        sentry_sdk.get_client().close()
        sentry_sdk.init()


@pytest.fixture
def settings(ingest: Ingest, redis_url: str) -> Settings:
    return Settings(redis_url=redis_url, sentry_dsn=ingest.dsn, log_dir=None)


RunJob = Callable[..., str]


@pytest.fixture
def run_job(settings: Settings) -> Iterator[RunJob]:
    """Run one WhatsApp job that raises each given error in turn, to its end; returns its id."""
    configure_sentry(settings)
    broker = make_broker(settings, queue=Queue.WHATSAPP)
    report_failures(broker)
    store = JobStore(broker.scripts.client)
    workers: list[dramatiq.Worker] = []

    def run(*errors: Exception, attempts: int = 1) -> str:
        coming = list(errors)

        def message(**_data: Any) -> None:
            if coming:
                raise coming.pop(0)

        dramatiq.actor(actor_name="message", queue_name=Queue.WHATSAPP.value, broker=broker)(message)
        backoff = Backoff(BackoffType.FIXED, delay_ms=1)
        job = NewJob(Queue.WHATSAPP, "message", DATA, 1, JobOptions(attempts=attempts, backoff=backoff))
        job_id = broker.add(job).job_id
        workers.append(dramatiq.Worker(broker, worker_threads=1, worker_timeout=100))
        workers[-1].start()
        await_end(store, job_id)
        return job_id

    yield run
    for worker in workers:
        worker.stop(timeout=TIMEOUT_S * 1000)
    broker.close()


def await_end(store: JobStore, job_id: str) -> None:
    waiting = threading.Event()
    for _ in range(TIMEOUT_S * 100):
        if store.job(job_id).state in {"completed", "failed"}:
            return
        waiting.wait(0.01)
    pytest.fail(f"{job_id} did not end: {store.job(job_id)}")


def test_a_job_that_fails_for_good_is_one_event_and_its_retries_are_none(run_job: RunJob, ingest: Ingest) -> None:
    job_id = run_job(*(ConnectionError(f"try {number}") for number in (1, 2, 3)), attempts=3)

    (event,) = ingest.events
    assert event["exception"]["values"][-1]["value"] == "try 3"
    assert event["tags"] == {
        "queue": "whatsapp-messages",
        "job": "message",
        "jobId": job_id,
        "attempt": "3",
        "attempts": "3",
    }


def test_a_retry_that_succeeds_is_no_event(run_job: RunJob, ingest: Ingest) -> None:
    run_job(ConnectionError("once"), attempts=3)

    assert ingest.events == []


def test_a_permanent_error_is_an_event_at_its_first_attempt(run_job: RunJob, ingest: Ingest) -> None:
    run_job(PermanentError("no such template"), attempts=3)

    (event,) = ingest.events
    assert event["tags"]["attempt"] == "1"


def test_a_refusal_by_a_business_rule_is_no_event(run_job: RunJob, ingest: Ingest) -> None:
    run_job(Refused("over the limit"), attempts=3)

    assert ingest.events == []


def test_no_envelope_holds_a_phone_or_a_text(run_job: RunJob, ingest: Ingest) -> None:
    run_job(ValueError(f"{PHONE} ({PHONE.lstrip('+')}) did not get {TEXT!r}, nor ram@example.com"))

    assert len(ingest.events) == 1
    for personal in ("9812345678", TEXT, "Namaste", "ram@example.com"):
        assert personal.encode() not in ingest.raw


def test_an_error_of_the_gateway_is_an_event_without_the_request_body(settings: Settings, ingest: Ingest) -> None:
    configure_sentry(settings, FlaskIntegration())
    app = flask.Flask("gateway")

    @app.post("/messages/<recipient>")
    def fail(recipient: str) -> str:
        raise RuntimeError(f"broken for {recipient}")

    headers = {"Authorization": "Bearer doko_secret"}
    answer = app.test_client().post(f"/messages/{PHONE}?to={PHONE}", json=DATA, headers=headers)

    assert answer.status_code == 500
    (event,) = ingest.events
    assert event["exception"]["values"][-1]["value"] == "broken for ***78"
    assert set(event["request"]) == {"method", "url"}
    for personal in ("9812345678", TEXT, "doko_secret"):
        assert personal.encode() not in ingest.raw


def test_without_a_dsn_nothing_is_configured() -> None:
    assert not configure_sentry(Settings())
