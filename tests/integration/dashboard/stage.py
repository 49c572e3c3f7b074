"""A gateway of its own process with jobs in every state, and people at browsers in front of it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from deploy.local.redis_server import RedisServer
from gateway.app import create_app
from gateway.context import Gateway
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.broker.connection import connect
from shared.database.archive import Archiver
from shared.queues import Queue
from shared.settings import Settings
from tests.kit.dashboard import a_failed_message, a_message
from tests.kit.gateway_process import answers, eventually, running


@dataclass
class Stage:
    """The running gateway; ``parts`` are those of a second application on the same Redis and database."""

    url: str
    parts: Gateway
    secrets: dict[Role, str]
    failed: str
    delayed: str
    said: list[str] = field(default_factory=list)

    def archive(self) -> None:
        """Do what the scheduler does all the time."""
        client = connect(self.parts.settings.redis_url)
        while Archiver(self.parts.database, client).run_once():
            pass
        client.close()

    @contextmanager
    def person(self, browser: Browser, role: Role, **options: object) -> Iterator[Page]:
        """A page of somebody of that role who has logged in; what its console says is noted in ``said``."""
        context: BrowserContext = browser.new_context(base_url=self.url, **options)  # type: ignore[arg-type]
        page = context.new_page()
        self.said.clear()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.goto("/dashboard/login")
        page.fill("#token", self.secrets[role])
        page.click("button.primary")
        page.wait_for_url("**/dashboard")
        yield page
        context.close()

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings of the browser's console since the last login."""
        return [text for text in self.said if text.startswith(("error", "warning"))]


@contextmanager
def a_stage(folder: Path, template: Path) -> Iterator[Stage]:
    """A gateway on a Redis and SQLite of its own, filled with a few jobs."""
    server = RedisServer(folder / "redis")
    server.start()
    database = folder / "doko.db"
    shutil.copy(template, database)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "REDIS_URL": server.url,
        "DATABASE_URL": f"sqlite:///{database}",
        "DATA_DIR": str(folder),
        "LOG_DIR": str(folder / "logs"),
        "PORT": str(port),
        "GATEWAY_PROCESSES": "1",
        "CLIENT_RATE_LIMIT": "0",
    }
    app = create_app(Settings.from_environment(environment))
    parts: Gateway = app.extensions["doko"]
    try:
        with running("gateway", environment):
            eventually(lambda: answers(environment))
            stage = Stage(f"http://127.0.0.1:{port}", parts, _secrets(parts), a_failed_message(parts), "")
            stage.delayed = a_message(parts, delay=3_600_000)
            for _ in range(5):
                a_message(parts)
            parts.store.pause(Queue.REPORT_GENERATION, "asha", "the printer's day off")
            stage.archive()
            yield stage
    finally:
        parts.database.dispose()
        parts.broker.close()
        server.stop()


def _secrets(parts: Gateway) -> dict[Role, str]:
    with parts.database.session() as tx:
        return {role: create_token(tx, user=f"the {role}", role=role, actor=Actor("test")).secret for role in Role}
