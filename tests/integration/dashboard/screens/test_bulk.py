"""Bulk operations on the dashboard: a look first, then the start, the progress, a stop and an undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from gateway.bulk.acting import Actor
from gateway.bulk.runner import BulkRunner
from gateway.context import Gateway
from gateway.roles import Role
from shared.broker.states import State
from shared.job_removal import JobRemoval
from tests.integration.dashboard.screens.conftest import Screen
from tests.kit.dashboard import a_failed_message, a_message


def work(parts: Gateway) -> None:
    """What the scheduler does until nothing is left to do now."""
    client: Any = parts.broker.scripts.client
    runner = BulkRunner(parts.database, parts.store.finder, Actor(parts.store, JobRemoval(client), parts.broker))
    while runner.run_once():
        pass


@pytest.mark.slow
def test_failed_jobs_are_retried_together_after_a_look_at_what_it_would_do(
    screen: Callable[[Role], Screen], parts: Gateway
) -> None:
    failed = [a_failed_message(parts) for _ in range(3)]
    at = screen(Role.OPERATOR)
    page = at.open("/bulk")
    expect(page.get_by_text("No operation yet")).to_be_visible()
    at.look_over("bulk-empty")

    page.get_by_role("link", name="New operation").click()
    page.get_by_label("Action").select_option("retry")
    expect(page.get_by_label("To queue")).to_be_hidden()
    page.get_by_label("Filter").fill("queue:whatsapp sta")
    page.get_by_role("option", name="state:", exact=False).wait_for()
    page.get_by_label("Filter").fill("queue:whatsapp state:failed")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="See what it would do").click()
    at.reads("Would retry 3 jobs")
    at.look_over("bulk-trial")
    assert {parts.store.job(job_id).state for job_id in failed} == {State.FAILED}
    page.get_by_label("Jobs a minute").fill("600")
    page.get_by_label("Reason").fill("the provider is back")
    page.get_by_role("button", name="Retry 3 jobs").click()
    at.hears("will retry 3 jobs")

    work(parts)
    page.locator("h1 .state", has_text="completed").wait_for()
    assert {parts.store.job(job_id).state for job_id in failed} == {State.WAITING}
    at.look_over("bulk-one")
    at.open("/bulk")
    at.look_over("bulk")


@pytest.mark.slow
def test_a_removal_is_stopped_or_undone_from_its_page(screen: Callable[[Role], Screen], parts: Gateway) -> None:
    jobs = [a_message(parts, delay=3_600_000) for _ in range(2)]
    at = screen(Role.OPERATOR)
    page = at.open("/bulk/new?action=remove&filter=state:delayed")
    page.get_by_label("Reason").fill("by mistake")
    page.get_by_role("button", name="Remove 2 jobs").click()
    page.wait_for_url("**/bulk/1")
    page.locator("summary", has_text="Stop").click()
    page.locator("#stop-why").fill("too soon")
    page.get_by_role("button", name="Stop it").click()
    at.hears("Bulk operation 1 is stopped")
    expect(page.get_by_text("stopped by the operator: too soon")).to_be_visible()
    at.open("/bulk")
    expect(page.get_by_text("stopped by the operator: too soon")).to_be_visible()

    at.open("/bulk/new?action=remove&filter=state:delayed")
    page.get_by_label("Reason").fill("after all")
    page.get_by_role("button", name="Remove 2 jobs").click()
    page.wait_for_url("**/bulk/2")
    work(parts)
    page.locator("summary", has_text="Undo").click()
    page.get_by_role("button", name="Bring them back").click()
    at.hears("Bulk operation 2 is being undone")
    work(parts)
    page.locator("h1 .state", has_text="undone").wait_for()
    assert {parts.store.job(job_id).state for job_id in jobs} == {State.DELAYED}
    at.look_over("bulk-undone")


@pytest.mark.slow
def test_a_filter_that_nothing_matches_offers_nothing_to_do(screen: Callable[[Role], Screen]) -> None:
    at = screen(Role.OPERATOR)
    page = at.open("/bulk/new?action=retry&filter=order:ORD-1999-404")

    at.reads("Would retry 0 jobs")
    expect(page.get_by_text("No job matches now")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_count(0)
    at.look_over("bulk-none")
