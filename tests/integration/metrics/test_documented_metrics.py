"""docs/metrics.md names exactly what the processes show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client import generate_latest

from gateway.scheduler import Part, Scheduler
from gateway.scheduler_probes import scheduler_probes
from shared.database import Database
from shared.metrics.work import worker_registry
from shared.queues import Queue
from shared.settings import Settings
from tests.integration.gateway.conftest import app, operator, parts, settings
from tests.kit.scraping import Scrape

__all__ = ["app", "operator", "parts", "settings"]

DOCUMENT = Path(__file__).parents[3] / "docs/metrics.md"
ROW = re.compile(r"^\| `(doko_\w+)` \| (\w+) \| ([\w, ]*) ?\| ([\w, ]+) \| .+ \|$", re.MULTILINE)

Described = dict[str, tuple[str, frozenset[str]]]


def documented(process: str) -> Described:
    return {
        name: (kind, frozenset(label.strip() for label in labels.split(",") if label.strip()))
        for name, kind, labels, shown_by in ROW.findall(DOCUMENT.read_text())
        if process in shown_by.split(", ")
    }


def test_every_row_of_the_table_is_read_by_this_test() -> None:
    assert len(ROW.findall(DOCUMENT.read_text())) == DOCUMENT.read_text().count("\n| `doko_")


def test_the_gateway_shows_what_is_documented(app: Flask) -> None:
    client = app.test_client()
    client.get("/healthz")

    assert Scrape(client.get("/metrics").text).described() == documented("gateway")


def test_a_worker_shows_what_is_documented(app: Flask) -> None:
    broker = app.extensions["doko"].broker
    broker.tally.count(Queue.WHATSAPP.value, "message", "completed", 12)

    text = generate_latest(worker_registry(broker, Queue.WHATSAPP)).decode()

    assert Scrape(text).described() == documented("worker")


@pytest.mark.parametrize("fails", [False, True])
def test_the_scheduler_shows_what_is_documented(settings: Settings, *, fails: bool) -> None:
    database = Database(settings.database_url)
    scheduler: Scheduler

    def run_once() -> None:
        scheduler.stop()
        if fails:
            raise RuntimeError

    scheduler = Scheduler([Part("keeper", run_once, 0.01)])
    scheduler.run()

    scrape = Scrape(generate_latest(scheduler_probes(scheduler, settings, database).registry).decode())

    assert scrape.described() == documented("scheduler")
    assert scrape.value("doko_scheduler_failures_total", part="keeper") == int(fails)
    database.dispose()
