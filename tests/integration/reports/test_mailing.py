"""A report is e-mailed once to who asked for it, and no trouble with e-mail makes it be made again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.reports import mailing
from services.reports.mailing import ReportMailer
from shared.broker.options import NewJob
from shared.clock import Clock
from shared.database import Database
from shared.database.models import OutboxJob
from shared.database.roles import grant_roles
from shared.errors import PermanentError, RedisUnavailable, TransientError
from shared.mail import Mailer
from shared.mail.smtp import SmtpTransport
from shared.messages.reports import LiabilityFilters, ReportFormat, ReportType
from shared.settings_mail import MailSettings, Security
from tests.doubles.mail_server import MailServer, mail_server
from tests.integration.reports.office import NOW, Office, StandingClock
from tests.kit.roles import url_as

LIABILITY = ReportType.OUTSTANDING_LIABILITY
TO = "bank@example.com"
MAIL_JOB = "reports-reports-1-email"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def transport(server: MailServer) -> SmtpTransport:
    return SmtpTransport(
        MailSettings(host="127.0.0.1", port=server.port, security=Security.NEVER, sender="Doko <doko@example.com>")
    )


@pytest.fixture
def mailer(office: Office, server: MailServer) -> ReportMailer:
    return office.mailing_through(transport(server))


def asked_for(office: Office) -> list[OutboxJob]:
    with office.database.reader() as tx:
        return list(tx.scalars(select(OutboxJob)))


def make(office: Office, **options: Any) -> None:
    office.make(LIABILITY, LiabilityFilters(city="Kathmandu"), email=TO, report_format=ReportFormat.CSV, **options)


def test_a_report_with_an_address_asks_for_its_e_mail_once_however_often_it_is_delivered(office: Office) -> None:
    make(office)
    make(office)
    (job,) = asked_for(office)
    assert (job.job_id, job.name, job.data) == (MAIL_JOB, "report-email", {"reportId": "reports-1"})
    assert job.options["attempts"] == 8


def test_a_report_without_an_address_asks_for_none(office: Office) -> None:
    office.make(LIABILITY)
    assert asked_for(office) == []


def test_a_run_that_dies_before_its_commit_asks_for_no_e_mail(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("services.reports.making.as_result", _die)
        with pytest.raises(KeyboardInterrupt):
            make(office)
    assert asked_for(office) == []
    make(office)
    assert len(asked_for(office)) == 1


class Broker:
    """Takes jobs, or is away."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.jobs: list[NewJob] = []

    def add_many(self, jobs: Any) -> None:
        if self.is_away:
            raise RedisUnavailable("away")
        self.jobs += jobs


def test_the_e_mail_is_enqueued_right_after_the_commit_or_left_to_the_relay(office: Office) -> None:
    for is_away, published in ((False, True), (True, False)):
        office.maker._producer = Broker(is_away=is_away)
        job_id = f"reports-{is_away}"
        make(office, job_id=job_id)
        (row,) = [each for each in asked_for(office) if each.data == {"reportId": job_id}]
        assert (row.published_at is not None) is published
        assert office.record(job_id).state == "READY"


def test_the_report_arrives_with_its_file_and_what_it_is_of(
    office: Office, mailer: ReportMailer, server: MailServer
) -> None:
    office.order(office.shop(city="Kathmandu"))
    make(office)
    result = mailer.send(MAIL_JOB, "reports-1")

    (letter,) = server.letters
    assert result["messageId"] == letter["Message-ID"]
    assert (letter["To"], letter["Subject"]) == (TO, "Outstanding Liability report, 24 Nov 2026")
    (attachment,) = letter.iter_attachments()
    assert attachment.get_filename() == "outstanding-liability-2026-11-24.csv"
    assert attachment.get_payload(decode=True) == office.files()[0].read_bytes()
    body = letter.get_body()
    assert body is not None
    text = body.get_content()
    for line in ("As of: 24 Nov 2026", "City: Kathmandu", "Retailers: 1", f"SHA-256: {office.record().checksum}"):
        assert line in text
    assert "https://doko.example.com/api/v1/reports/reports-1/download" in text


def test_an_e_mail_job_that_comes_again_sends_nothing_even_if_the_file_is_gone(
    office: Office, mailer: ReportMailer, server: MailServer
) -> None:
    make(office)
    first = mailer.send(MAIL_JOB, "reports-1")
    office.storage.remove(office.record().location or "")
    assert mailer.send(MAIL_JOB, "reports-1") == first
    assert len(server.letters) == 1


def test_a_large_file_is_not_attached_but_told_where_to_find(
    office: Office, mailer: ReportMailer, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "MOST_ATTACHED_BYTES", 10)
    make(office)
    mailer.send(MAIL_JOB, "reports-1")
    (letter,) = server.letters
    assert not letter.is_multipart()
    assert "is too large for an e-mail" in letter.get_content()
    assert "/api/v1/reports/reports-1/download" in letter.get_content()


def test_a_mail_server_that_is_busy_leaves_the_report_as_it_is(
    office: Office, mailer: ReportMailer, server: MailServer
) -> None:
    make(office)
    before = office.files()[0].stat().st_mtime_ns
    server.answers = [("RCPT", "451 try again later"), ("RCPT", "550 no such user")]
    with pytest.raises(TransientError):
        mailer.send(MAIL_JOB, "reports-1")
    with pytest.raises(PermanentError, match="550"):
        mailer.send(MAIL_JOB, "reports-1")
    assert office.record().state == "READY"
    assert office.files()[0].stat().st_mtime_ns == before


def test_nothing_is_sent_of_a_report_that_nobody_asked_for_or_whose_file_is_gone(
    office: Office, mailer: ReportMailer, server: MailServer
) -> None:
    with pytest.raises(PermanentError, match="no report"):
        mailer.send(MAIL_JOB, "reports-404")
    office.make(LIABILITY, job_id="reports-2")
    with pytest.raises(PermanentError, match="with an e-mail address"):
        mailer.send(MAIL_JOB, "reports-2")
    make(office)
    office.storage.remove(office.record().location or "")
    with pytest.raises(PermanentError, match="is gone"):
        mailer.send(MAIL_JOB, "reports-1")
    assert server.letters == []


def test_an_expired_report_is_not_sent(office: Office, server: MailServer) -> None:
    class Later(Clock):
        def now(self) -> Any:
            return NOW + timedelta(days=8)

    make(office)
    mailer = Mailer(transport(server), office.database)
    with pytest.raises(PermanentError, match="ask for it again"):
        ReportMailer(office.database, office.storage, mailer, Later(), "").send(MAIL_JOB, "reports-1")


def test_the_reports_role_may_ask_for_and_send_e_mail(postgres_url: str, tmp_path: Any, server: MailServer) -> None:
    grant_roles(postgres_url)
    database = Database(url_as("doko_reports", postgres_url))
    office = Office(database, tmp_path / "data")
    make(office)
    mailer = Mailer(transport(server), database, clock=StandingClock())
    ReportMailer(database, office.storage, mailer, StandingClock(), "").send(MAIL_JOB, "reports-1")
    assert len(server.letters) == 1
    database.dispose()


def test_without_a_mail_server_the_report_is_printed_and_stored(office: Office) -> None:
    make(office)
    assert office.mailer.send(MAIL_JOB, "reports-1")["transport"] == "console"


def _die(*_: object) -> Any:
    raise KeyboardInterrupt
