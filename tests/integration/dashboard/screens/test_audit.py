"""The audit on the dashboard: who may read it, how entries are found, and what a check shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from gateway.context import Gateway
from gateway.roles import Role
from tests.integration.dashboard.conftest import Browser
from tests.integration.dashboard.screens.conftest import Screen

PATH = "/dashboard/audit"


def act(operator: Browser, viewer: Browser) -> None:
    """A pause with a phone in its reason, and a refusal."""
    operator.post("/dashboard/queues/WHATSAPP/pause", reason="the provider asks +9779800000000 for a code")
    viewer.post("/dashboard/queues/WHATSAPP/resume")


@pytest.mark.slow
def test_an_admin_finds_entries_and_sees_that_the_chain_is_intact_or_where_it_is_not(
    screen: Callable[[Role], Screen], parts: Gateway, operator: Browser, viewer: Browser
) -> None:
    act(operator, viewer)
    at = screen(Role.ADMIN)
    page = at.open("/audit")
    rows = page.locator("tbody tr[data-item]")
    expect(rows.filter(has_text="refused access")).to_have_count(1)
    assert "9800000000" not in page.content()
    at.look_over("audit")

    page.get_by_label("Action").select_option("queue.paused")
    page.get_by_label("Who").fill("the operator")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(1)
    assert "asks ***00 for a code" in rows.inner_text()

    page.get_by_role("link", name="Verify the chain", exact=False).click()
    at.reads("As it was written.")
    at.look_over("audit-verify")
    with parts.database.session() as tx:
        tx.execute(text("drop trigger operator_log_no_update"))
        tx.execute(text("update operator_log set why = 'nothing at all' where action = 'queue.paused'"))
    page.get_by_role("button", name="Check again").click()
    page.wait_for_url("**rows=1000**")
    at.reads("Somebody changed the audit.")
    at.look_over("audit-changed")


def test_entries_are_found_by_days_in_kathmandu(operator: Browser) -> None:
    operator.post("/dashboard/queues/WHATSAPP/pause", reason="x")
    found = '<tr data-item id="entry-'

    assert found in operator.get(f"{PATH}?since=2026-01-01&until=2999-12-31").text
    assert found not in operator.get(f"{PATH}?until=2001-12-31").text
    assert "No entry matches" in operator.get(f"{PATH}?since=2999-12-31").text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("action=queue.exploded", "action must be"),
        ("since=2026-02-31", "since must be a day"),
        ("until=yesterday", "until must be a time"),
        ("cursor=x", "cursor"),
        ("actor=" + "x" * 65, "actor"),
    ],
)
def test_a_wrong_field_is_named(operator: Browser, query: str, words: str) -> None:
    page = operator.get(f"{PATH}?{query}")

    assert page.status_code == 422
    assert words in page.text


def test_a_cursor_leads_to_the_earlier_entries(operator: Browser) -> None:
    for _ in range(51):
        operator.post("/dashboard/queues/WHATSAPP/resume")
    first = operator.get(f"{PATH}?action=queue.resumed")
    link = first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")

    assert first.text.count('<tr data-item id="entry-') == 50
    assert operator.get(link).text.count('<tr data-item id="entry-') == 1


def test_an_entry_shows_no_script_of_whoever_wrote_it(operator: Browser) -> None:
    operator.post("/dashboard/queues/WHATSAPP/pause", reason="<script>alert(1)</script>")

    assert "<script>alert" not in operator.get(PATH).text


def test_a_viewer_may_not_read_the_audit_and_an_operator_not_check_it(viewer: Browser, operator: Browser) -> None:
    assert viewer.get(PATH).status_code == 403
    assert "Verify the chain" not in operator.get(PATH).text
    assert operator.get(f"{PATH}/verify").status_code == 403
