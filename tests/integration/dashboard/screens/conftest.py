"""The screens in a real Chromium: one browser for all tests, a gateway of its own for each."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import ConsoleMessage, Page, ViewportSize, expect
from werkzeug.serving import make_server

from gateway.roles import Role
from tests.integration.dashboard.conftest import Browser

DESK, PHONE = ViewportSize(width=1440, height=860), ViewportSize(width=360, height=760)
COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PATIENCE_MS = 20_000
SERIOUS = frozenset({"serious", "critical"})
NOT_OURS = "net::ERR_NETWORK_CHANGED"
"""The machine got or lost a network, as containers elsewhere on it do: Chromium gives up what it just loads."""
PICTURES = os.environ.get("SCREEN_PICTURES")
"""A folder for pictures of every screen that a test looks over, to be looked at by people."""

Person = Callable[[Role], Browser]


class Screen:
    """A page of one person's browser, and what its console said."""

    def __init__(self, address: str, page: Page) -> None:
        self._address = address
        self.page = page
        self.said: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and NOT_OURS not in message.text:
            self.said.append(message.text)

    def open(self, path: str) -> Page:
        """Go to a page of the dashboard."""
        self.page.goto(f"{self._address}/dashboard{path}", wait_until="load")
        return self.page

    def hears(self, words: str) -> None:
        """The page comes to say this of the action before."""
        expect(self.page.locator(".notice")).to_contain_text(words, timeout=PATIENCE_MS)

    def reads(self, title: str) -> None:
        """A page with this title comes."""
        expect(self.page.locator("h1")).to_have_text(title, timeout=PATIENCE_MS)

    def look_over(self, name: str) -> None:
        """The page that is open is sound in light and dark, at a desk and on a phone; nothing complained."""
        page = self.page
        for colours in COLOURS:
            page.emulate_media(color_scheme=colours)
            found = Axe().run(page).response["violations"]
            assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if _is_serious(each)] == []
            _picture(page, f"{name}-{colours}")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)
        _picture(page, f"{name}-phone")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.set_viewport_size(DESK)
        assert self.said == []


def _is_serious(violation: dict[str, Any]) -> bool:
    return violation["impact"] in SERIOUS


def _picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="dashboard-server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        app.extensions["doko-pulse"].close()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def screen(app: Flask, person: Person, chromium: Chromium) -> Iterator[Callable[[Role], Screen]]:
    """The browser of somebody of a role who has logged in."""
    with served(app) as address:
        contexts = []

        def sit_down(role: Role) -> Screen:
            context = chromium.new_context(viewport=DESK, reduced_motion="reduce")
            contexts.append(context)
            cookie = person(role).cookie("doko_session")
            context.add_cookies([{"name": "doko_session", "value": cookie, "url": f"{address}/dashboard"}])
            return Screen(address, context.new_page())

        yield sit_down
        for context in contexts:
            context.close()
