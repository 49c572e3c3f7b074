"""The dashboard in a real browser: what its scripts do, that nothing complains, and that everybody can use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from gateway.roles import Role
from shared.broker.states import State
from shared.queues import Queue
from tests.integration.dashboard.stage import Stage, a_stage
from tests.kit.dashboard import a_failed_message, a_message

pytestmark = [pytest.mark.slow, pytest.mark.serial]

PHONE = {"width": 390, "height": 844}
SERIOUS = {"serious", "critical"}
PATIENCE_MS = 15_000


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Stage]:
    with a_stage(tmp_path_factory.mktemp("stage"), sqlite_template) as stage:
        yield stage


def screens(stage: Stage) -> list[str]:
    return [
        *("/dashboard", "/dashboard/jobs", "/dashboard/jobs?filter=state:failed", "/dashboard/jobs?filter=nonsense"),
        *(f"/dashboard/jobs/{stage.failed}", f"/dashboard/jobs/{stage.delayed}"),
        *(f"/dashboard/jobs/{stage.failed}/edit", "/dashboard/failures", "/dashboard/subjects"),
        *("/dashboard/subjects/order/ORD-2026-001", "/dashboard/workers", "/dashboard/schedules"),
        *("/dashboard/schedules/new", "/dashboard/flows", "/dashboard/limits", "/dashboard/limits/WHATSAPP"),
        *(
            "/dashboard/audit",
            "/dashboard/bulk",
            "/dashboard/bulk/new?action=retry&filter=state:failed",
            "/dashboard/nowhere",
        ),
    ]


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url} {each['id']}: {node['html'][:160]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_is_accessible_and_its_console_silent(chromium: Browser, stage: Stage, scheme: str) -> None:
    found: list[str] = []
    with stage.person(chromium, Role.ADMIN, color_scheme=scheme) as page:
        for path in screens(stage):
            page.goto(path)
            found += serious(page)
        page.goto("/dashboard")
        page.locator("details.pop summary").first.click()
        found += serious(page)
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        found += serious(page)

    assert found == []
    wanted = ("error: Failed to load resource: the server responded with a status of 4",)  # of nonsense and nowhere
    assert [text for text in stage.complaints if not text.startswith(wanted)] == []


def test_no_screen_is_wider_than_a_phone(chromium: Browser, stage: Stage) -> None:
    too_wide = []
    with stage.person(chromium, Role.ADMIN, viewport=PHONE) as page:
        for path in screens(stage):
            page.goto(path)
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > PHONE["width"]:
                too_wide.append((path, width))

    assert too_wide == []


def test_the_queues_move_by_themselves(chromium: Browser, stage: Stage) -> None:
    with stage.person(chromium, Role.VIEWER) as page:
        row = page.locator('tr[data-queue="WHATSAPP"]')
        before = int(row.locator('td[data-label="Waiting"]').inner_text())
        page.evaluate("window.stayed = true")

        a_message(stage.parts)
        expect(row.locator('td[data-label="Waiting"]')).to_have_text(str(before + 1), timeout=PATIENCE_MS)

        stage.parts.store.pause(Queue.WHATSAPP, "somebody", "provider is down")
        expect(row).to_contain_text("paused by somebody: provider is down", timeout=PATIENCE_MS)
        stage.parts.store.resume(Queue.WHATSAPP, "somebody")
        expect(row).not_to_contain_text("paused", timeout=PATIENCE_MS)
        assert page.evaluate("window.stayed")
    assert stage.complaints == []


def test_a_job_moves_by_itself_and_is_promoted_from_its_page(chromium: Browser, stage: Stage) -> None:
    job_id = a_message(stage.parts, delay=3_600_000)
    with stage.person(chromium, Role.OPERATOR) as page:
        page.goto(f"/dashboard/jobs/{job_id}")
        expect(page.locator("h1 .state")).to_have_text("delayed")

        page.locator("summary", has_text="Promote").click()
        page.locator("#promote-why").fill("the customer calls")
        page.get_by_role("button", name="Run it now").click()

        expect(page.locator(".notice")).to_contain_text("runs now")
        expect(page.locator("h1 .state")).to_have_text("waiting")
        stage.parts.store.cancel(job_id, "somebody")
        expect(page.locator("h1 .state")).to_have_text("cancelled", timeout=PATIENCE_MS)
    assert stage.complaints == []


def test_a_queue_is_paused_and_resumed_from_its_menu(chromium: Browser, stage: Stage) -> None:
    with stage.person(chromium, Role.OPERATOR) as page:
        row = page.locator('tr[data-queue="CREDIT_SCORE"]')
        row.locator("summary").click()
        row.locator("#pause-why-CREDIT_SCORE").fill("a look at the rules")
        row.locator("#pause-for-CREDIT_SCORE").select_option("60")
        row.get_by_role("button", name="Pause").click()

        expect(row).to_contain_text("paused by the operator: a look at the rules, until in")
        row.locator("summary").click()
        row.get_by_role("button", name="Resume").click()
        expect(row).not_to_contain_text("paused")


def test_the_keyboard_does_it_all(chromium: Browser, stage: Stage) -> None:
    with stage.person(chromium, Role.OPERATOR) as page:
        page.keyboard.press("g")
        page.keyboard.press("j")
        page.wait_for_url("**/dashboard/jobs")
        page.keyboard.press("/")
        expect(page.locator("#filter")).to_be_focused()
        page.keyboard.type("sta")
        expect(page.locator("#suggestions li").first).to_contain_text("state:")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.type("fa")
        expect(page.locator("#suggestions li").first).to_contain_text("state:failed")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        expect(page.locator("#filter")).to_have_value("state:failed ")
        page.keyboard.press("Escape")
        page.keyboard.press("Enter")
        page.wait_for_url("**filter=state%3Afailed**")
        page.locator("body").click(position={"x": 700, "y": 5})
        page.keyboard.press("j")
        page.keyboard.press("x")
        expect(page.locator("[data-selection-bar]")).to_contain_text("1 selected")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/jobs/{stage.failed}")
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("Control+k")
        page.keyboard.type("failures")
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard/failures")
    assert stage.complaints == []


def test_selected_jobs_are_retried_together(chromium: Browser, stage: Stage) -> None:
    jobs = [a_failed_message(stage.parts) for _ in range(2)]
    with stage.person(chromium, Role.OPERATOR) as page:
        page.goto(f"/dashboard/jobs?filter=id:{','.join(jobs)}")
        expect(page.locator("[data-selection-bar]")).to_be_hidden()
        page.locator("[data-select-all]").check()
        expect(page.locator("[data-count]")).to_have_text("2")
        page.get_by_role("button", name="Retry").click()

        expect(page.locator(".notice")).to_contain_text("2 jobs retried")
    assert [stage.parts.store.job(job_id).state for job_id in jobs] == [State.WAITING] * 2


def test_dragging_over_the_histogram_narrows_the_time(chromium: Browser, stage: Stage) -> None:
    with stage.person(chromium, Role.VIEWER) as page:
        page.goto("/dashboard/jobs?filter=queue:whatsapp&span=1h")
        box: Any = page.locator("[data-brush] svg").bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] * 0.5, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, middle, steps=4)
        page.mouse.move(box["x"] + box["width"] * 0.99, middle, steps=4)
        page.mouse.up()

        page.wait_for_url("**since%3A**until%3A**")
        assert page.locator("#filter").input_value().startswith("queue:whatsapp since:")
    assert stage.complaints == []


def test_a_list_renews_itself_but_not_under_somebodys_hands(chromium: Browser, stage: Stage) -> None:
    with stage.person(chromium, Role.OPERATOR) as page:
        page.goto("/dashboard/jobs?filter=state:delayed")
        page.locator("input[data-select]").first.check()
        job_id = a_message(stage.parts, delay=3_600_000)
        page.evaluate("import('/dashboard/static/renew.js').then((renewing) => renewing.renew())")
        page.wait_for_timeout(300)
        expect(page.get_by_text(job_id)).to_have_count(0)

        page.locator("input[data-select]").first.uncheck()

        expect(page.get_by_text(job_id)).to_have_count(1, timeout=PATIENCE_MS)


def test_the_choice_of_colours_stays(chromium: Browser, stage: Stage) -> None:
    with stage.person(chromium, Role.VIEWER, color_scheme="light") as page:
        with page.expect_response("**/dashboard/theme"):
            page.get_by_role("button", name="Dark").click()
        dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        page.reload()

        assert page.locator("html").get_attribute("data-theme") == "dark"
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark


def test_without_scripts_the_essentials_work(chromium: Browser, stage: Stage) -> None:
    with stage.person(chromium, Role.OPERATOR, java_script_enabled=False) as page:
        row = page.locator('tr[data-queue="ORDER_ROUTING"]')
        row.locator("summary").click()
        row.locator("#pause-why-ORDER_ROUTING").fill("no scripts here")
        row.get_by_role("button", name="Pause").click()
        expect(row).to_contain_text("no scripts here")
        row.locator("summary").click()
        row.get_by_role("button", name="Resume").click()
        page.goto("/dashboard/jobs")
        page.fill("#filter", "state:failed")
        page.get_by_role("button", name="Find").click()
        page.locator("[data-open-item]").first.click()
        expect(page.locator("h1 .state")).to_have_text("failed")


def test_a_revoked_session_leaves_the_live_page(chromium: Browser, stage: Stage) -> None:
    with stage.person(chromium, Role.VIEWER) as page:
        page.wait_for_function("document.body.dataset.live === 'queues'")
        page.context.clear_cookies()
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.reload()

        assert "/dashboard/login" in page.url
