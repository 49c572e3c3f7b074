"""The Twilio client against the double over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from services.whatsapp.clients.protocol import Outgoing, ProviderError, Verdict
from services.whatsapp.clients.twilio import TwilioProvider
from services.whatsapp.templates import FilledTemplate, template_of
from shared.messages.whatsapp import Language
from tests.doubles import whatsapp_answers as answers
from tests.doubles.whatsapp_answers import Answer, twilio_error
from tests.doubles.whatsapp_provider import TWILIO_ACCOUNT, WhatsAppDouble
from tests.integration.whatsapp.conftest import twilio_settings
from tests.integration.whatsapp.hooks import WEBHOOK_URL
from tests.unit.services.whatsapp.builders import PHONE, a_message


@pytest.fixture
def twilio(double: WhatsAppDouble) -> Iterator[TwilioProvider]:
    provider = TwilioProvider(twilio_settings(double.url))
    yield provider
    provider.close()


def a_text(job_id: str = "whatsapp-1", text: str = "Namaste\nAsha", recipient: str = PHONE) -> Outgoing:
    return Outgoing(job_id, recipient, text)


def a_template() -> FilledTemplate:
    filled = template_of(a_message("DELIVERY_UPDATE").data, Language.ENGLISH)
    assert filled is not None
    return filled


def just_now() -> datetime:
    return datetime.now(UTC)


def failure(provider: TwilioProvider, message: Outgoing | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.send(message or a_text())
    return caught.value


def test_a_text_is_posted_form_encoded_with_a_status_callback(twilio: TwilioProvider, double: WhatsAppDouble) -> None:
    sent = twilio.send(a_text())

    request = double.requests[0]
    assert sent.provider_id == double.taken[0].provider_id
    assert request.path == f"/2010-04-01/Accounts/{TWILIO_ACCOUNT}/Messages.json"
    assert request.body == {
        "To": f"whatsapp:{PHONE}",
        "From": "whatsapp:+14155238886",
        "Body": "Namaste\nAsha",
        "StatusCallback": f"{WEBHOOK_URL}?jobId=whatsapp-1",
    }


def test_a_template_goes_by_the_content_id_of_its_name_and_language(
    twilio: TwilioProvider, double: WhatsAppDouble
) -> None:
    filled = a_template()

    twilio.send(Outgoing("whatsapp-1", PHONE, filled))
    twilio.send(Outgoing("whatsapp-2", PHONE, filled))

    form = double.requests[-1].body
    assert form["ContentSid"] == "HXdelivery_update-en"
    assert json.loads(str(form["ContentVariables"])) == dict(zip("1234", filled.values, strict=True))
    assert double.taken[0].text == filled.text
    assert [request.path for request in double.requests].count("/v1/Content") == 1


def test_a_template_that_is_not_registered_fails_for_good(twilio: TwilioProvider, double: WhatsAppDouble) -> None:
    double.templates.clear()

    error = failure(twilio, Outgoing("whatsapp-1", PHONE, a_template()))

    assert error.verdict is Verdict.PERMANENT
    assert "delivery_update in language en" in str(error)


def test_a_messaging_service_takes_the_place_of_the_number(double: WhatsAppDouble) -> None:
    settings = twilio_settings(double.url, twilio_from="MG1", twilio_webhook_url=None)
    with closing(TwilioProvider(settings)) as twilio:
        twilio.send(a_text())

    form = double.requests[0].body
    assert form["MessagingServiceSid"] == "MG1"
    assert "From" not in form
    assert "StatusCallback" not in form


@pytest.mark.parametrize(
    ("answer", "verdict", "refused"),
    [
        (twilio_error(20500, 500), Verdict.RETRY, True),
        (answers.http_error(503), Verdict.RETRY, False),
        (twilio_error(63018, 429), Verdict.SLOW_DOWN, True),
        (twilio_error(20429, 429), Verdict.SLOW_DOWN, True),
        (twilio_error(63016), Verdict.WINDOW_CLOSED, True),
        (Answer(201, {"sid": "SM1", "status": "failed", "error_code": 63016}), Verdict.WINDOW_CLOSED, True),
        (twilio_error(63007), Verdict.PERMANENT, True),
        (twilio_error(21608), Verdict.PERMANENT, True),
        (twilio_error(20003, 401), Verdict.ACCOUNT, True),
        (answers.http_error(401), Verdict.ACCOUNT, True),
        (twilio_error(21211), Verdict.PERMANENT, True),
        (answers.DROPPED_BEFORE_TAKING, Verdict.RETRY, False),
        (answers.DROPPED_AFTER_TAKING, Verdict.RETRY, False),
        (answers.INVALID_JSON, Verdict.RETRY, False),
        (answers.CUT_OFF, Verdict.RETRY, False),
        (answers.slow(5), Verdict.RETRY, False),
    ],
)
def test_each_answer_gets_its_verdict(
    twilio: TwilioProvider,
    double: WhatsAppDouble,
    answer: Answer,
    verdict: Verdict,
    refused: bool,  # noqa: FBT001 - the expected value
) -> None:
    double.script(PHONE, answer)

    error = failure(twilio)

    assert (error.verdict, error.refused) == (verdict, refused)
    assert len(double.requests) == 1, "a client must not retry by itself"


def test_a_message_whose_answer_got_lost_is_found_by_recipient_and_text(
    twilio: TwilioProvider, double: WhatsAppDouble
) -> None:
    double.script(PHONE, answers.DROPPED_AFTER_TAKING)
    failure(twilio, a_text("whatsapp-1"))
    twilio.send(a_text("whatsapp-2", "Something else"))
    twilio.send(a_text("whatsapp-3", recipient="+9779811111111"))

    found = twilio.find(a_text("whatsapp-1"), just_now())

    assert [sent.provider_id for sent in found] == [double.taken_by("whatsapp-1")[0].provider_id]


def test_a_template_is_found_by_the_text_that_the_customer_reads(
    twilio: TwilioProvider, double: WhatsAppDouble
) -> None:
    filled = a_template()
    sent = twilio.send(Outgoing("whatsapp-1", PHONE, filled))

    assert twilio.find(Outgoing("whatsapp-1", PHONE, filled.text), just_now()) == [sent]


def test_what_was_sent_long_before_is_not_taken_for_it(twilio: TwilioProvider) -> None:
    twilio.send(a_text())

    assert twilio.find(a_text(), just_now() + timedelta(minutes=5)) == []


def test_a_look_that_fails_says_so(twilio: TwilioProvider, double: WhatsAppDouble) -> None:
    double.script("list", answers.http_error(500))

    with pytest.raises(ProviderError) as caught:
        twilio.find(a_text(), just_now())

    assert caught.value.verdict is Verdict.RETRY


def test_an_error_names_neither_person_nor_text_nor_token(twilio: TwilioProvider, double: WhatsAppDouble) -> None:
    double.script(PHONE, twilio_error(21211, details=f"The 'To' number {PHONE} is not valid: Namaste"))

    shown = repr(failure(twilio))

    assert not any(secret in shown for secret in ("9800000000", "Namaste", "twilio-token"))
