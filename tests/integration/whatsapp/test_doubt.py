"""What happens when nobody knows whether a message went out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.whatsapp.clients.console import ConsoleProvider
from services.whatsapp.clients.protocol import Outgoing, Sent
from shared.database import Database
from shared.database.models.whatsapp import MessageState
from shared.database.send_records import Receipt, record_receipt
from shared.errors import Released, TransientError
from tests.doubles import whatsapp_answers as answers
from tests.doubles.whatsapp_answers import Answer
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.integration.whatsapp.desk import Desk, open_desk
from tests.unit.services.whatsapp.builders import PHONE

DOUBTFUL = [
    pytest.param(answers.DROPPED_AFTER_TAKING, id="dropped after acceptance"),
    pytest.param(answers.INVALID_JSON, id="truncated answer"),
    pytest.param(answers.http_error(504, takes_message=True), id="gateway timeout"),
]


class ProcessDied(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


class DyingProvider(ConsoleProvider):
    """Dies with the message half sent."""

    name = "meta"
    confirms_later = True

    def send(self, message: Outgoing) -> Sent:
        raise ProcessDied(message.job_id)


def leave_in_doubt(desk: Desk, double: WhatsAppDouble, answer: Answer = answers.DROPPED_AFTER_TAKING) -> None:
    """Run one attempt whose answer gets lost."""
    double.script(PHONE, answer)
    with pytest.raises(TransientError):
        desk.run()
    assert desk.record().state is MessageState.SENDING


def receipt_arrives(desk: Desk, provider: str, provider_id: str, state: MessageState = MessageState.SENT) -> None:
    """What the webhook stores."""
    with desk.database.session() as tx:
        record_receipt(tx, Receipt(provider, provider_id, state, datetime.now(UTC), job_id="whatsapp-1"))


@pytest.mark.parametrize("answer", DOUBTFUL)
def test_the_receipt_that_names_the_job_settles_it(meta_desk: Desk, double: WhatsAppDouble, answer: Answer) -> None:
    leave_in_doubt(meta_desk, double, answer)
    with pytest.raises(Released) as released:
        meta_desk.run()

    receipt_arrives(meta_desk, "meta", double.taken[0].provider_id, MessageState.DELIVERED)
    result = meta_desk.run()

    assert released.value.delay_ms == pytest.approx(5_000, abs=500)
    assert result["providerMessageId"] == double.taken[0].provider_id
    assert "possibleDuplicate" not in result
    assert meta_desk.record().state is MessageState.DELIVERED
    assert len(double.taken) == 1


def test_without_a_receipt_it_is_sent_again_after_a_minute_and_marked(meta_desk: Desk, double: WhatsAppDouble) -> None:
    leave_in_doubt(meta_desk, double)
    meta_desk.clock.advance(seconds=58)
    with pytest.raises(Released) as released:
        meta_desk.run()
    meta_desk.clock.advance(seconds=3)

    result = meta_desk.run()

    assert released.value.delay_ms <= 2_000
    assert result["possibleDuplicate"] is True
    assert result["providerMessageId"] == double.taken[1].provider_id
    assert meta_desk.record().possible_duplicate
    assert meta_desk.run() == result


def test_a_second_doubt_waits_a_minute_of_its_own(meta_desk: Desk, double: WhatsAppDouble) -> None:
    leave_in_doubt(meta_desk, double)
    meta_desk.clock.advance(seconds=61)
    double.script(PHONE, answers.DROPPED_AFTER_TAKING)
    with pytest.raises(TransientError):
        meta_desk.run()

    with pytest.raises(Released):
        meta_desk.run()
    assert len(double.taken) == 2


def test_twilio_is_asked_and_nothing_is_sent_twice(twilio_desk: Desk, double: WhatsAppDouble) -> None:
    leave_in_doubt(twilio_desk, double)

    result = twilio_desk.run()

    assert result["providerMessageId"] == double.taken[0].provider_id
    assert "possibleDuplicate" not in result
    assert len(double.taken) == 1


def test_another_jobs_equal_message_is_not_taken_for_this_one(twilio_desk: Desk, double: WhatsAppDouble) -> None:
    double.script(PHONE, answers.DROPPED_BEFORE_TAKING)
    with pytest.raises(TransientError):
        twilio_desk.run("whatsapp-1")
    twilio_desk.run("whatsapp-2")

    with pytest.raises(Released):
        twilio_desk.run("whatsapp-1")
    assert [taken.job_id for taken in double.taken] == ["whatsapp-2"]


def test_a_look_that_fails_is_repeated_while_there_is_time(twilio_desk: Desk, double: WhatsAppDouble) -> None:
    leave_in_doubt(twilio_desk, double)
    double.script("list", answers.http_error(500), answers.http_error(500))

    with pytest.raises(Released):
        twilio_desk.run()
    twilio_desk.clock.advance(seconds=61)
    with pytest.raises(TransientError):
        twilio_desk.run()

    assert len(double.taken) == 1


def test_a_worker_that_dies_in_the_call_leaves_the_message_in_doubt(
    meta_desk: Desk, double: WhatsAppDouble, database: Database
) -> None:
    with open_desk(DyingProvider(), database) as dying, pytest.raises(ProcessDied):
        dying.run()

    with pytest.raises(Released):
        meta_desk.run()
    meta_desk.clock.advance(seconds=61)
    assert meta_desk.run()["possibleDuplicate"] is True
    assert len(double.taken) == 1


def test_the_console_waits_for_no_receipt(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    with open_desk(DyingProvider(), database) as dying, pytest.raises(ProcessDied):
        dying.run()

    with open_desk(ConsoleProvider(), database) as desk:
        result = desk.run()

    assert result["possibleDuplicate"] is True
    assert "Your order ORD2611000001 is confirmed." in capsys.readouterr().err
    assert "Your order ORD2611000001 is confirmed." in desk.record().body
