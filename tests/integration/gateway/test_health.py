"""Probes, metrics, the documents, and Redis or the database going away and coming back."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from deploy.local.redis_server import RedisServer
from gateway.context import Gateway
from shared.health import Health


def client_of(app: Flask) -> Any:
    """Flask's client, untyped: it says that JSON may be missing, and here that is a failure."""
    return app.test_client()


def test_a_process_is_alive_and_ready_while_redis_and_the_database_answer(app: Flask) -> None:
    client = client_of(app)

    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert {name: part["ready"] for name, part in ready.json["parts"].items()} == {"redis": True, "database": True}


def test_without_redis_everything_but_the_process_is_unavailable_until_it_is_back(
    app: Flask, operator: Any, redis_server: RedisServer
) -> None:
    client = client_of(app)
    assert operator.send().status_code == 202

    redis_server.stop()
    answers = [operator.send(), operator.get("/queues/stats"), operator.post("/queues/WHATSAPP/pause")]

    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert answers[0].json["code"] == "redis_unavailable"
    assert answers[0].headers["Retry-After"] == "1"
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json["parts"]["redis"]["ready"] is False
    assert "doko_redis_up 0.0" in client.get("/metrics").get_data(as_text=True)

    redis_server.start()
    assert operator.send().status_code == 202
    assert client.get("/readyz").status_code == 200


def test_without_the_database_an_unknown_token_gets_503_and_an_operator_changes_nothing(
    app: Flask, operator: Any, anonymous: Any, parts: Gateway, tmp_path: Path
) -> None:
    assert operator.get("/queues/stats").status_code == 200
    (tmp_path / "doko.db").rename(tmp_path / "away.db")
    (tmp_path / "doko.db").mkdir()
    parts.database.dispose()

    assert anonymous.get("/queues/stats").json["code"] == "database_unavailable"
    assert operator.post("/queues/WHATSAPP/pause").status_code == 503
    assert operator.get("/queues/stats").json["WHATSAPP"]["isPaused"] is False
    assert client_of(app).get("/readyz").json["parts"]["database"]["ready"] is False


def test_a_part_that_hangs_is_not_ready_and_is_not_asked_again_meanwhile() -> None:
    release = threading.Event()
    asked: list[int] = []

    def hang() -> None:
        asked.append(1)
        release.wait(10)

    health = Health({"database": hang}, timeout_s=0.05)
    first, second = health.check()["database"], health.check()["database"]
    release.set()

    assert (first.is_ready, first.reason) == (False, "didn't answer in time")
    assert not second.is_ready
    assert asked == [1]


def test_metrics_count_requests_by_route_and_jobs_by_state(app: Flask, operator: Any) -> None:
    operator.send()

    text = client_of(app).get("/metrics").get_data(as_text=True)

    assert 'doko_http_requests_total{method="POST",route="/api/v1/whatsapp/messages",status="202"} 1.0' in text
    assert 'doko_queue_jobs{queue="WHATSAPP",state="waiting"} 1.0' in text
    assert 'doko_queue_completed_total{queue="WHATSAPP"} 0.0' in text


def test_the_openapi_document_names_every_path_of_the_requirement(app: Flask) -> None:
    paths = client_of(app).get("/api/v1/openapi.json").json["paths"]

    assert {
        "/api/v1/queues/stats",
        "/api/v1/queues/{key}/failed",
        "/api/v1/queues/{key}/jobs/{job_id}/retry",
        "/api/v1/queues/{key}/clean",
        "/api/v1/queues/{key}/pause",
        "/api/v1/queues/{key}/resume",
        "/api/v1/whatsapp/messages",
        "/api/v1/queues/{key}/jobs",
        "/api/v1/queues/{key}/jobs/bulk",
    } <= set(paths)


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/assets/swagger-ui-bundle.js"])
def test_the_documentation_page_loads_nothing_from_elsewhere(app: Flask, path: str) -> None:
    answer = client_of(app).get(f"/api/v1{path}")

    assert answer.status_code == 200
    if path == "/docs":
        assert "http" not in answer.get_data(as_text=True)
        assert "'self'" in answer.headers["Content-Security-Policy"]
