"""One message, from its job to the provider and into the send record."""

from __future__ import annotations

import pytest

from shared.database.models.whatsapp import MessageState
from shared.errors import PermanentError, Refused, Released, TransientError
from tests.doubles import whatsapp_answers as answers
from tests.doubles.whatsapp_answers import Answer, meta_error, twilio_error
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.integration.whatsapp.desk import Desk
from tests.unit.services.whatsapp.builders import PHONE


def test_a_message_outside_the_window_goes_as_template(meta_desk: Desk, double: WhatsAppDouble) -> None:
    result = meta_desk.run()

    taken = double.taken[0]
    assert result == {
        "success": True,
        "provider": "meta",
        "providerMessageId": taken.provider_id,
        "kind": "template",
    }
    assert (taken.kind, taken.template, taken.job_id) == ("template", "order_confirmation", "whatsapp-1")
    record = meta_desk.record()
    assert record.state is MessageState.SENT
    assert (record.template, record.language, record.phone) == ("order_confirmation", "en", PHONE)
    assert record.body.startswith("Your order ORD2611000001 is confirmed.")


def test_a_message_inside_the_window_goes_as_text(meta_desk: Desk, double: WhatsAppDouble) -> None:
    meta_desk.customer_wrote()
    meta_desk.clock.advance(hours=23)

    assert meta_desk.run()["kind"] == "text"
    assert double.taken[0].text == meta_desk.record().body


def test_free_text_outside_the_window_fails_without_a_call(meta_desk: Desk, double: WhatsAppDouble) -> None:
    meta_desk.customer_wrote()
    meta_desk.clock.advance(hours=25)

    with pytest.raises(PermanentError, match="GENERIC_MESSAGE has no template"):
        meta_desk.run(message_type="GENERIC_MESSAGE")
    assert double.requests == []


def test_the_contacts_language_wins(meta_desk: Desk, double: WhatsAppDouble) -> None:
    meta_desk.customer_prefers(language="ne")

    meta_desk.run()

    assert double.taken[0].language == "ne"


def test_an_opted_out_contact_gets_no_reminder_but_its_order_messages(meta_desk: Desk, double: WhatsAppDouble) -> None:
    meta_desk.customer_prefers(opted_out=True)

    with pytest.raises(Refused):
        meta_desk.run("whatsapp-1", "PAYMENT_REMINDER")
    meta_desk.run("whatsapp-2", "ORDER_CONFIRMATION")

    assert [taken.job_id for taken in double.taken] == ["whatsapp-2"]


def test_a_redelivered_job_returns_its_result_and_sends_nothing(meta_desk: Desk, double: WhatsAppDouble) -> None:
    first = meta_desk.run()

    assert meta_desk.run() == first
    assert len(double.requests) == 1


@pytest.mark.parametrize("answer", [meta_error(1, 400), meta_error(999, 400, is_transient=True)])
def test_after_a_clear_refusal_the_retry_sends_at_once(meta_desk: Desk, double: WhatsAppDouble, answer: Answer) -> None:
    double.script(PHONE, answer)

    with pytest.raises(TransientError):
        meta_desk.run()
    refused = meta_desk.record()
    result = meta_desk.run()

    assert refused.state is MessageState.FAILED
    assert "possibleDuplicate" not in result
    assert len(double.taken) == 1


def test_a_rate_answer_releases_the_job_for_as_long_as_the_provider_asks(
    meta_desk: Desk, double: WhatsAppDouble
) -> None:
    double.script(PHONE, meta_error(130429, 429, retry_after="17"), meta_error(131056), meta_error(131056))

    delays = []
    for released_ms in (0, 17_000, 40_000):
        with pytest.raises(Released) as released:
            meta_desk.run(released_ms=released_ms)
        delays.append((released.value.delay_ms, released.value.max_total_ms))

    assert delays == [(17_000, 3_600_000), (17_000, 3_600_000), (40_000, 3_600_000)]
    assert meta_desk.run()["success"] is True
    assert len(double.taken) == 1


def test_a_window_that_the_provider_calls_closed_makes_it_a_template_in_the_same_attempt(
    meta_desk: Desk, double: WhatsAppDouble
) -> None:
    meta_desk.customer_wrote()
    double.script(PHONE, meta_error(131047))

    result = meta_desk.run()

    assert result["kind"] == "template"
    assert [request.body["type"] for request in double.requests] == ["text", "template"]
    assert meta_desk.record().template == "order_confirmation"
    assert meta_desk.window() is None


def test_a_template_that_meets_a_closed_window_is_not_sent_a_third_time(
    meta_desk: Desk, double: WhatsAppDouble
) -> None:
    meta_desk.customer_wrote()
    double.script(PHONE, meta_error(131047), meta_error(131047))

    with pytest.raises(PermanentError):
        meta_desk.run()
    assert len(double.requests) == 2


def test_free_text_that_meets_a_closed_window_fails_for_good(meta_desk: Desk, double: WhatsAppDouble) -> None:
    meta_desk.customer_wrote()
    double.script(PHONE, meta_error(131047))

    with pytest.raises(PermanentError, match="GENERIC_MESSAGE has no template"):
        meta_desk.run(message_type="GENERIC_MESSAGE")
    assert len(double.requests) == 1


@pytest.mark.parametrize("code", [131026, 100, 131009, 999])
def test_a_permanent_error_fails_the_job_and_leaves_the_queue_alone(
    meta_desk: Desk, double: WhatsAppDouble, code: int
) -> None:
    double.script(PHONE, meta_error(code))

    with pytest.raises(PermanentError, match=f"code {code}"):
        meta_desk.run()
    assert meta_desk.paused == []
    assert meta_desk.record().error_code == f"HTTP 400, code {code}"


@pytest.mark.parametrize(("code", "status"), [(190, 401), (131031, 403), (368, 403)])
def test_an_error_of_the_account_fails_the_job_and_pauses_the_queue_with_the_reason(
    meta_desk: Desk, double: WhatsAppDouble, code: int, status: int
) -> None:
    double.script(PHONE, meta_error(code, status))

    with pytest.raises(PermanentError) as failed:
        meta_desk.run()
    assert meta_desk.paused == [str(failed.value)]
    assert str(code) in meta_desk.paused[0]


def test_credentials_that_twilio_refuses_pause_the_queue(twilio_desk: Desk, double: WhatsAppDouble) -> None:
    double.script(PHONE, twilio_error(20003, 401))

    with pytest.raises(PermanentError) as failed:
        twilio_desk.run()
    assert twilio_desk.paused == [str(failed.value)]
    assert "20003" in twilio_desk.paused[0]


def test_a_job_that_an_operator_retries_is_sent(meta_desk: Desk, double: WhatsAppDouble) -> None:
    double.script(PHONE, meta_error(131026))
    with pytest.raises(PermanentError):
        meta_desk.run()

    meta_desk.run()

    assert meta_desk.record().state is MessageState.SENT
    assert meta_desk.record().error_code is None


def test_a_slow_answer_is_a_doubt_not_a_failure(meta_desk: Desk, double: WhatsAppDouble) -> None:
    double.script(PHONE, answers.slow(5))

    with pytest.raises(TransientError, match="no answer"):
        meta_desk.run()
    assert meta_desk.record().state is MessageState.SENDING
