"""The limits on the dashboard: shown, changed in part, given back, with the groups that wait and the breaker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from gateway.context import Gateway
from gateway.dashboard.limits import rate_words
from gateway.roles import Role
from shared.queue_limits import Rate
from shared.queues import Queue
from tests.integration.dashboard.conftest import Browser
from tests.integration.dashboard.screens.conftest import Screen
from tests.kit.engine import Engine

PATH = "/dashboard/limits/WHATSAPP"


@pytest.fixture
def engine(redis_url: str) -> Iterator[Engine]:
    engine = Engine(redis_url, queue=Queue.WHATSAPP)
    yield engine
    engine.close()


def hold_back(engine: Engine) -> None:
    """Two phones get five messages; three of them wait for their phone's turn."""
    for recipient in ["+9779800000000"] * 3 + ["+9779811111111"] * 2:
        engine.add("message", {"recipient": recipient})
    engine.raw_worker().fetch(5)


def open_breaker(engine: Engine) -> None:
    """As a worker's script leaves it after a burst of failures."""
    found = {"breaker": "open", "breaker_since": 1790000000000, "breaker_why": "no answer from 9800000000"}
    engine.client.hset(
        engine.prefix + "meta", mapping={**found, "breaker_probe_at": 1790000030000, "breaker_opened": 1}
    )


@pytest.mark.slow
def test_an_operator_sees_what_is_held_back_and_changes_a_limit(
    screen: Callable[[Role], Screen], parts: Gateway, engine: Engine
) -> None:
    parts.store.limits.set_by_environment(Queue.WHATSAPP, {"rate": Rate(80, 1_000), "concurrency": 9})
    parts.store.limits.set_by_operator(Queue.WHATSAPP, {"groupRate": Rate(1, 6_000)})
    hold_back(engine)
    at = screen(Role.OPERATOR)
    page = at.open("/limits")

    at.reads("3 jobs wait for their group.")
    at.look_over("limits")
    page.get_by_role("link", name="WhatsApp messages").click()
    page.get_by_role("rowheader", name="***11").wait_for()
    at.look_over("limit")
    page.get_by_label("Jobs at once, over all workers").fill("3")
    page.get_by_label("Jobs that may start", exact=True).fill("")
    page.get_by_label("Reason").fill("the provider is slow")
    page.get_by_role("button", name="Change").click()

    at.hears("The limits of queue WHATSAPP are changed")
    held = parts.store.limits.of(Queue.WHATSAPP).limits
    assert held == {"concurrency": 3, "rate": None, "groupRate": Rate(1, 6_000)}
    page.locator("input[name='reset-concurrency']").check()
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_label("Jobs at once, over all workers")).to_have_value("9")
    assert at.said == []


@pytest.mark.slow
def test_an_open_breaker_leads_the_page_and_is_closed_with_a_reason(
    screen: Callable[[Role], Screen], parts: Gateway, engine: Engine
) -> None:
    open_breaker(engine)
    at = screen(Role.OPERATOR)
    page = at.open("/limits")

    at.reads("WhatsApp messages waits for a provider.")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/limits/*")
    at.look_over("limit-breaker")
    assert "9800000000" not in page.content()
    page.locator("#breaker-why").fill("it is back")
    page.get_by_role("button", name="Close it now").click()

    at.hears("The circuit breaker of queue WHATSAPP is closed")
    assert not parts.store.queue_stats(Queue.WHATSAPP).is_paused
    assert at.said == []


def test_a_wrong_change_names_the_field_keeps_what_was_typed_and_changes_nothing(
    operator: Browser, parts: Gateway
) -> None:
    page = operator.post(PATH, {"was-groupKey": "recipient"}, concurrency="0", rate="fast", groupKey="recipient")

    assert page.status_code == 422
    assert "pause the queue to stop it" in page.text
    assert "such as 80/s" in page.text
    assert 'value="fast"' in page.text
    assert parts.store.limits.of(Queue.WHATSAPP).limits == {}


def test_a_form_in_which_nothing_changed_says_so(operator: Browser) -> None:
    page = operator.post(PATH, {"was-rate": "80/s"}, rate="80/s")

    assert (page.status_code, "nothing to change" in page.text) == (422, True)


def test_what_somebody_else_changed_meanwhile_stays(operator: Browser, parts: Gateway) -> None:
    parts.store.limits.set_by_operator(Queue.WHATSAPP, {"concurrency": 7})
    operator.post(PATH, {"was-concurrency": "", "was-rate": ""}, concurrency="", rate="80/s")

    assert parts.store.limits.of(Queue.WHATSAPP).limits == {"concurrency": 7, "rate": Rate(80, 1_000)}


def test_a_viewer_sees_limits_and_may_not_change_them(viewer: Browser, parts: Gateway, engine: Engine) -> None:
    open_breaker(engine)
    page = viewer.get(PATH)

    assert page.status_code == 200
    assert '<button class="primary">Change' not in page.text
    assert "Close it now" not in page.text
    viewer.post(PATH, concurrency="3")
    viewer.post(PATH + "/breaker/close")
    assert parts.store.limits.of(Queue.WHATSAPP).limits == {}
    assert parts.store.queue_stats(Queue.WHATSAPP).is_paused


def test_an_unknown_queue_has_no_page(viewer: Browser, operator: Browser) -> None:
    assert viewer.get("/dashboard/limits/WHATSUP").status_code == 404
    assert operator.follow(operator.post("/dashboard/limits/WHATSUP", rate="1/s")).status_code == 200


@pytest.mark.parametrize(
    ("jobs", "window_ms", "words"),
    [(80, 1_000, "80/s"), (600, 60_000, "600/min"), (1, 6_000, "1/6s"), (5, 250, "5/250ms"), (2, 7_200_000, "2/2h")],
)
def test_a_rate_reads_as_it_is_typed(jobs: int, window_ms: int, words: str) -> None:
    assert rate_words({"jobs": jobs, "windowMs": window_ms}) == words


@pytest.mark.slow
def test_an_admin_gives_a_user_a_limit_and_takes_it_away(screen: Callable[[Role], Screen], viewer: Browser) -> None:
    at = screen(Role.ADMIN)
    page = at.open("/limits")
    page.get_by_label("User", exact=True).fill("shop-app")
    page.get_by_label("Requests a minute, 0 for no limit").fill("1200")
    page.get_by_label("Reason", exact=True).fill("the big sale")
    page.get_by_role("button", name="Set").click()

    at.hears("Each token of shop-app has a limit of its own within 10 seconds")
    assert page.locator("#client-1").inner_text().split()[:3] == ["shop-app", "1,200", "the"]
    at.look_over("limits-clients")
    assert "1,200" in viewer.get("/dashboard/limits").text
    assert "/dashboard/limits/clients" not in viewer.get("/dashboard/limits").text
    page.get_by_label("Actions of shop-app").click()
    page.get_by_role("button", name="Take it away").click()
    at.hears("The usual limit holds for the tokens of shop-app")
    assert at.said == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"user": "", "requestsPerMinute": "5"}, "is required"),
        ({"user": "x" * 65, "requestsPerMinute": "5"}, "1 to 64 printable characters"),
        ({"user": "shop", "requestsPerMinute": "many"}, "must be"),
        ({"user": "shop", "requestsPerMinute": ""}, "is required"),
    ],
)
def test_a_wrong_limit_of_a_user_is_refused_at_the_field(admin: Browser, fields: dict[str, str], words: str) -> None:
    page = admin.post("/dashboard/limits/clients", fields)

    assert (page.status_code, words in page.text) == (422, True)


def test_only_an_admin_limits_users(operator: Browser) -> None:
    operator.post("/dashboard/limits/clients", user="shop", requestsPerMinute="5")

    assert "shop" not in operator.get("/dashboard/limits").text.replace("scope", "")
