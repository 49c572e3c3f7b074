"""An e-mail of a job goes out once, whatever the mail server says and whoever dies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from shared.database import Database
from shared.database.models import Email, EmailState
from shared.errors import PermanentError, Released, TransientError
from shared.mail import Letter, Mailer
from shared.mail.smtp import SmtpTransport
from shared.mail.transport import MailInDoubt
from shared.settings_mail import MailSettings
from tests.doubles.mail_server import HANG_UP, MailServer
from tests.integration.mail.conftest import MovingClock

LETTER = Letter("sita@example.com", "Order ORD1 needs a vendor", "नमस्ते, a vendor is missing.\n")


def send(mailer: Mailer, job_id: str = "routing-1", purpose: str = "alert") -> dict[str, Any]:
    return mailer.send(job_id, purpose, LETTER)


def record(database: Database) -> Email:
    with database.reader() as tx:
        return tx.scalars(select(Email)).one()


def test_a_letter_arrives_and_its_record_says_sent(mailer: Mailer, server: MailServer, database: Database) -> None:
    result = send(mailer)

    (letter,) = server.letters
    assert (letter["To"], letter["From"]) == ("sita@example.com", "Doko <doko@example.com>")
    assert letter["Subject"] == "Order ORD1 needs a vendor"
    assert letter.get_content().splitlines() == LETTER.text.splitlines()
    assert letter["Message-ID"] == result["messageId"] == record(database).message_id
    assert letter["Auto-Submitted"] == "auto-generated"
    assert (record(database).state, record(database).recipient) == (EmailState.SENT, "sita@example.com")
    assert result == {"success": True, "messageId": letter["Message-ID"], "transport": "smtp"}


def test_a_job_that_comes_again_sends_nothing_more(mailer: Mailer, server: MailServer) -> None:
    assert send(mailer) == send(mailer) == mailer.sent_before("routing-1", "alert")
    assert len(server.letters) == 1
    assert mailer.sent_before("routing-2", "alert") is None


def test_each_purpose_of_a_job_has_its_own_letter(mailer: Mailer, server: MailServer) -> None:
    send(mailer, purpose="alert")
    send(mailer, purpose="report")
    assert len({letter["Message-ID"] for letter in server.letters}) == 2


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_a_temporary_answer_is_tried_again_and_is_no_duplicate(
    mailer: Mailer, server: MailServer, database: Database, step: str
) -> None:
    server.answers = [(step, "451 4.7.1 greylisted, come back later")]
    with pytest.raises(TransientError, match="451"):
        send(mailer)
    assert record(database).state is EmailState.FAILED
    assert "greylisted" in (record(database).error or "")

    assert "possibleDuplicate" not in send(mailer)
    assert (record(database).state, record(database).error) == (EmailState.SENT, None)
    assert len(server.letters) == 1


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_a_final_answer_fails_the_job_and_hides_the_address(
    mailer: Mailer, server: MailServer, database: Database, step: str
) -> None:
    server.answers = [(step, "550 5.1.1 <sita@example.com> no such user")]
    with pytest.raises(PermanentError, match="550") as raised:
        send(mailer)
    assert "sita@example.com" not in str(raised.value)
    assert "sita@example.com" not in (record(database).error or "")
    assert server.letters == []


def test_a_server_that_is_away_is_tried_again(database: Database, settings: MailSettings, clock: MovingClock) -> None:
    away = Mailer(SmtpTransport(replace(settings, port=9)), database, clock=clock)
    with pytest.raises(TransientError, match="can't be reached"):
        send(away)
    assert record(database).state is EmailState.FAILED


def test_a_server_that_hangs_up_before_its_answer_gets_the_letter_again_marked_with_the_same_id(
    mailer: Mailer, server: MailServer, database: Database, clock: MovingClock
) -> None:
    server.answers = [("DATA", HANG_UP)]
    with pytest.raises(TransientError, match="did not answer"):
        send(mailer)
    assert record(database).state is EmailState.SENDING

    clock.move(seconds=20)
    with pytest.raises(Released) as released:
        send(mailer)
    assert released.value.delay_ms == 40_000

    clock.move(seconds=40)
    assert send(mailer)["possibleDuplicate"] is True
    assert record(database).possible_duplicate
    first, second = server.letters
    assert first["Message-ID"] == second["Message-ID"]


def test_a_worker_killed_between_send_and_record_sends_once_more_only_after_the_wait(
    mailer: Mailer, server: MailServer, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("shared.mail.sending.records.save_sent", _die)
        with pytest.raises(KeyboardInterrupt):
            send(mailer)
    with pytest.raises(Released):
        send(mailer)
    assert len(server.letters) == 1

    clock.move(minutes=1)
    assert send(mailer)["possibleDuplicate"] is True
    assert len(server.letters) == 2


def test_two_runs_of_a_job_at_once_send_one_letter(
    database: Database, settings: MailSettings, clock: MovingClock, server: MailServer
) -> None:
    outer = Mailer(SmtpTransport(settings), database, clock=clock)

    class Overtaken(SmtpTransport):
        def send(self, *arguments: Any, **named: Any) -> None:
            with pytest.raises(Released):
                send(outer)
            super().send(*arguments, **named)

    send(Mailer(Overtaken(settings), database, clock=clock))
    assert len(server.letters) == 1


def test_a_run_that_was_thought_dead_and_answers_late_is_no_second_record(
    database: Database, settings: MailSettings, clock: MovingClock, server: MailServer
) -> None:
    second = Mailer(SmtpTransport(settings), database, clock=clock)

    class Slow(SmtpTransport):
        def send(self, *arguments: Any, **named: Any) -> None:
            super().send(*arguments, **named)
            clock.move(minutes=2)
            assert send(second)["possibleDuplicate"] is True
            raise MailInDoubt("late")

    with pytest.raises(TransientError):
        send(Mailer(Slow(settings), database, clock=clock))
    assert record(database).state is EmailState.SENT
    assert len(server.letters) == 2
    assert send(second)["possibleDuplicate"] is True


def test_an_address_that_not_every_server_takes_is_refused(mailer: Mailer, database: Database) -> None:
    with pytest.raises(PermanentError, match="not every mail server"):
        mailer.send("routing-1", "alert", replace(LETTER, recipient="सीता@example.com"))
    assert record(database).state is EmailState.FAILED


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
