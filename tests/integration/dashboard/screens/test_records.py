"""Workers, schedules, failures, flows and stories in a real browser: each is used, and sound to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask
from playwright.sync_api import expect

from gateway.context import Gateway
from gateway.roles import Role
from shared.database.archive import Archiver
from shared.queues import Queue
from tests.integration.dashboard.screens.conftest import Screen
from tests.kit.dashboard import MESSAGE, a_message
from tests.kit.engine import Engine, error
from tests.kit.flows import REMIND, SCORE

pytestmark = pytest.mark.slow

Sit = Callable[[Role], Screen]
WORKER = "kathmandu-1:4711:abc"
ABOUT = {
    "host": "kathmandu-1",
    "pid": 4711,
    "version": "0.1.0",
    "threads": 5,
    "startedAt": 1_790_000_000_000,
    "leaseMs": 600_000,
}
TREE = {
    "name": "score two, then remind",
    "jobs": [
        {"key": "one", **SCORE},
        {"key": "two", **SCORE},
        {"key": "remind", **REMIND, "dependsOn": ["one", "two"]},
    ],
}


def test_a_worker_is_quieted_resumed_and_stopped(screen: Sit, parts: Gateway) -> None:
    description = orjson.dumps({**ABOUT, "state": "running", "memory": 92 * 1024 * 1024})
    parts.broker.scripts.run("renew", Queue.WHATSAPP.value, (WORKER, 1_000, description, 600_000, 0))
    at = screen(Role.ADMIN)
    page = at.open("/workers")
    at.reads("1 worker")
    at.look_over("workers")

    menu = page.get_by_label(f"Actions of {WORKER}")
    for button, told in (("Quiet", "takes no more jobs"), ("Resume", "takes jobs"), ("Stop", "stops")):
        menu.click()
        page.get_by_role("button", name=button, exact=True).click()
        at.hears(told)
    assert at.said == []


def test_a_schedule_is_made_paused_resumed_and_removed(screen: Sit, parts: Gateway) -> None:
    at = screen(Role.ADMIN)
    page = at.open("/schedules")
    expect(page.get_by_text("No schedules")).to_be_visible()
    page.get_by_role("link", name="New schedule").click()
    page.get_by_label("Id", exact=True).fill("nightly-score")
    page.get_by_label("Cron", exact=True).fill("0 3 * * *")
    page.get_by_label("Queue", exact=True).select_option("CREDIT_SCORE")
    page.get_by_label("Name", exact=True).fill("credit-score-calculation")
    page.get_by_label("Data", exact=True).fill('{"retailerId": "RET001", "trigger": "manual"}')
    at.look_over("schedule-form")
    page.get_by_role("button", name="Create").click()
    at.hears("nightly-score is created")
    at.look_over("schedules")

    menu = page.get_by_label("Actions of nightly-score")
    for button in ("Pause", "Resume"):
        menu.click()
        page.get_by_role("button", name=button, exact=True).click()
        at.hears(f"{button.lower()}d" if button != "Resume" else "nightly-score")
    menu.click()
    page.get_by_role("button", name="Run now").click()
    at.hears("runs now as job")
    menu.click()
    page.locator("#remove-nightly-score").fill("not needed")
    page.get_by_role("button", name="Remove").click()
    at.hears("is removed")
    assert [entry.schedule.id for entry in parts.schedules.entries()] == []
    assert at.said == []


def test_a_group_of_failures_leads_to_retrying_all_of_it(screen: Sit, parts: Gateway, redis_url: str) -> None:
    engine = Engine(redis_url, queue=Queue.WHATSAPP)
    engine.add_ids(3, name="message", data=MESSAGE)
    worker = engine.raw_worker()
    for job in worker.fetch(3):
        worker.finish(job, "failed", error("no answer for +9779800000000"))
    engine.close()
    client: Any = parts.broker.scripts.client
    while Archiver(parts.database, client).run_once():
        pass
    at = screen(Role.OPERATOR)
    page = at.open("/failures")

    at.reads("3 failures of 1 cause")
    assert "9800000000" not in page.content()
    at.look_over("failures")
    page.get_by_role("link", name="Retry all…").click()
    at.reads("Would retry 3 jobs")
    assert at.said == []


def test_a_flow_is_drawn_and_cancelled(screen: Sit, app: Flask, secret: Callable[[Role], str]) -> None:
    asked = app.test_client().post(
        "/api/v1/flows", json=TREE, headers={"Authorization": f"Bearer {secret(Role.OPERATOR)}"}
    )
    assert asked.status_code == 202
    at = screen(Role.OPERATOR)
    page = at.open("/flows")
    at.look_over("flows")
    page.get_by_role("link", name="score two, then remind").click()

    expect(page.locator(".flow-picture a")).to_have_count(3)
    expect(page.locator(".flow-line")).to_have_count(2)
    expect(page.locator("tbody th a")).to_have_text(["one", "two", "remind"])
    at.look_over("flow")
    page.locator("tbody th a").first.click()
    expect(page.locator(".facts")).to_contain_text("Depend on it")
    page.locator(".facts a[href*='/flows/']").click()
    page.wait_for_url("**/dashboard/flows/*")  # the job's page has a Cancel of its own
    page.locator("summary", has_text="Cancel").click()
    page.get_by_role("button", name="Cancel what is unfinished").click()
    expect(page.locator("h1 .state")).to_have_text("cancelled")
    assert at.said == []


def test_the_story_of_a_phone_is_found_and_shows_no_number(screen: Sit, parts: Gateway) -> None:
    a_message(parts)
    client: Any = parts.broker.scripts.client
    while Archiver(parts.database, client).run_once():
        pass
    at = screen(Role.VIEWER)
    page = at.open("/subjects")
    at.look_over("subjects-empty")
    page.get_by_label("Kind").select_option("order")
    page.get_by_label("Value").fill("ORD-2026-001")
    page.get_by_role("button", name="Show").click()

    at.reads("Order ORD-2026-001")
    expect(page.locator(".story li")).to_have_count(1)
    assert "9800000000" not in page.content()
    at.look_over("subject")
