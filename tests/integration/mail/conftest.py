"""A mail server, a mailer that uses it, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.clock import Clock
from shared.database import Database
from shared.mail import Mailer
from shared.mail.smtp import SmtpTransport
from shared.settings_mail import MailSettings, Security
from tests.doubles.mail_server import MailServer, mail_server


class MovingClock(Clock):
    """Stands until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.instant = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def move(self, **span: int) -> None:
        self.instant += timedelta(**span)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def settings(server: MailServer) -> MailSettings:
    return MailSettings(
        host="127.0.0.1",
        port=server.port,
        security=Security.NEVER,
        sender="Doko <doko@example.com>",
        timeout_ms=5_000,
    )


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def mailer(database: Database, settings: MailSettings, clock: MovingClock) -> Mailer:
    return Mailer(SmtpTransport(settings), database, clock=clock)
