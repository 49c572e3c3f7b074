"""What reaches Sentry: raw envelopes at a local ingest, from the real engine and a real Flask application."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dramatiq
import flask
import pytest
import sentry_sdk
from sentry_sdk.integrations.flask import FlaskIntegration

from shared.broker import JobOptions, NewJob, make_broker
from shared.errors import PermanentError, Refused
from shared.job_store import JobStore
from shared.queues import Backoff, BackoffType, Queue
from shared.sentry import configure_sentry, report_failures
from shared.settings import Settings

PHONE = "+9779812345678"
TEXT = "Namaste Ram, your rice is ready"
DATA = {"type": "GENERIC_MESSAGE", "recipient": PHONE, "data": {"message": TEXT}}
TIMEOUT_S = 20


class Ingest:
    """A local HTTP server that keeps the raw envelopes it is sent."""

    def __init__(self) -> None:
        self.envelopes: list[bytes] = []
        envelopes = self.envelopes

        class Endpoint(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                envelopes.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Keep the tests quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def dsn(self) -> str:
        return f"http://key@127.0.0.1:{self._server.server_port}/1"

    @property
    def raw(self) -> bytes:
        sentry_sdk.flush(TIMEOUT_S)
        return b"\n".join(self.envelopes)

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.raw.splitlines() if line.startswith(b"{")]
        return [line for line in lines if "exception" in line]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(TIMEOUT_S)


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    ingest = Ingest()
    yield ingest
    sentry_sdk.get_client().close()
    sentry_sdk.init()
    ingest.close()


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
