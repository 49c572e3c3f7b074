"""The Cloud API client against the double over real HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from services.whatsapp.clients.meta import MetaProvider
from services.whatsapp.clients.protocol import Outgoing, ProviderError, Verdict
from services.whatsapp.templates import template_of
from shared.messages.whatsapp import Language
from tests.doubles import whatsapp_answers as answers
from tests.doubles.whatsapp_answers import Answer, meta_error
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.integration.whatsapp.conftest import TIMEOUT_MS, meta_settings
from tests.unit.services.whatsapp.builders import PHONE, a_message

SECRET_DETAILS = f"recipient {PHONE} said Namaste"


@pytest.fixture
def meta(double: WhatsAppDouble) -> Iterator[MetaProvider]:
    provider = MetaProvider(meta_settings(double.url))
    yield provider
    provider.close()


def a_text(job_id: str = "whatsapp-1", text: str = "Namaste") -> Outgoing:
    return Outgoing(job_id, PHONE, text)


def failure(provider: MetaProvider, message: Outgoing | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.send(message or a_text())
    return caught.value


def test_a_text_is_posted_as_the_cloud_api_expects_it(meta: MetaProvider, double: WhatsAppDouble) -> None:
    sent = meta.send(a_text())

    request = double.requests[0]
    assert sent.provider_id == double.taken[0].provider_id
    assert request.path == "/v23.0/106540352242922/messages"
    assert request.body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": PHONE,
        "type": "text",
        "text": {"preview_url": False, "body": "Namaste"},
        "biz_opaque_callback_data": "whatsapp-1",
    }


def test_a_template_is_posted_with_its_language_and_parameters(meta: MetaProvider, double: WhatsAppDouble) -> None:
    filled = template_of(a_message("ORDER_CONFIRMATION").data, Language.NEPALI)
    assert filled is not None

    meta.send(Outgoing("whatsapp-1", PHONE, filled))

    assert double.requests[0].body["template"] == {
        "name": "order_confirmation",
        "language": {"code": "ne"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": value} for value in filled.values]}],
    }
    assert double.taken[0].template == "order_confirmation"


@pytest.mark.parametrize(
    ("answer", "verdict", "refused"),
    [
        (meta_error(1, 500), Verdict.RETRY, True),
        (meta_error(2, 503), Verdict.RETRY, True),
        (meta_error(1, 400), Verdict.RETRY, True),
        (answers.http_error(502), Verdict.RETRY, False),
        (meta_error(999, 400, is_transient=True), Verdict.RETRY, True),
        (meta_error(130429, 429), Verdict.SLOW_DOWN, True),
        (meta_error(131056, 400), Verdict.SLOW_DOWN, True),
        (answers.rate_limited(), Verdict.SLOW_DOWN, True),
        (meta_error(131047), Verdict.WINDOW_CLOSED, True),
        (meta_error(131026), Verdict.PERMANENT, True),
        (meta_error(100), Verdict.PERMANENT, True),
        (meta_error(131009), Verdict.PERMANENT, True),
        (meta_error(999), Verdict.PERMANENT, True),
        (answers.http_error(404), Verdict.PERMANENT, True),
        (meta_error(190, 401), Verdict.ACCOUNT, True),
        (meta_error(131031, 403), Verdict.ACCOUNT, True),
        (meta_error(368, 403), Verdict.ACCOUNT, True),
        (answers.DROPPED_BEFORE_TAKING, Verdict.RETRY, False),
        (answers.DROPPED_AFTER_TAKING, Verdict.RETRY, False),
        (answers.INVALID_JSON, Verdict.RETRY, False),
        (answers.CUT_OFF, Verdict.RETRY, False),
        (Answer(200, {"messages": []}), Verdict.RETRY, False),
        (Answer(200, "[]"), Verdict.RETRY, False),
    ],
)
def test_each_answer_gets_its_verdict(
    meta: MetaProvider,
    double: WhatsAppDouble,
    answer: Answer,
    verdict: Verdict,
    refused: bool,  # noqa: FBT001 - the expected value
) -> None:
    double.script(PHONE, answer)

    error = failure(meta)

    assert (error.verdict, error.refused) == (verdict, refused)
    assert len(double.requests) == 1, "a client must not retry by itself"


@pytest.mark.parametrize("answer", [answers.slow(5), answers.DROPPED_AFTER_TAKING])
def test_an_answer_that_never_comes_leaves_the_message_in_doubt(
    meta: MetaProvider, double: WhatsAppDouble, answer: Answer
) -> None:
    double.script(PHONE, answer)
    before = datetime.now(UTC)

    error = failure(meta)

    assert not error.refused
    assert len(double.taken) == 1
    assert datetime.now(UTC) - before < timedelta(milliseconds=TIMEOUT_MS * 4)


def test_a_refused_connection_proves_that_nothing_was_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with closing(MetaProvider(meta_settings(url))) as meta:
            error = failure(meta)

    assert error.verdict is Verdict.RETRY
    assert error.refused


def test_a_connection_that_is_closed_unread_leaves_the_message_in_doubt(
    meta: MetaProvider, double: WhatsAppDouble
) -> None:
    double.connections_to_drop = 1

    assert not failure(meta).refused
    assert double.taken == []


@pytest.mark.parametrize(
    ("header", "wait_ms"),
    [("17", 17_000), (None, 6_000), ("nonsense", 6_000), ("-5", 6_000), ("0", 6_000), ("99999", 3_600_000)],
)
def test_retry_after_is_honoured_up_to_an_hour(
    meta: MetaProvider, double: WhatsAppDouble, header: str | None, wait_ms: int
) -> None:
    double.script(PHONE, meta_error(131056, retry_after=header))

    assert failure(meta).retry_after_ms == wait_ms


def test_retry_after_may_be_a_date(meta: MetaProvider, double: WhatsAppDouble) -> None:
    double.script(PHONE, answers.rate_limited(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)))

    wait_ms = failure(meta).retry_after_ms

    assert wait_ms is not None
    assert 27_000 < wait_ms <= 30_000


@pytest.mark.parametrize(
    "answer", [meta_error(131026, details=SECRET_DETAILS), answers.slow(5), answers.http_error(500)]
)
def test_an_error_names_neither_person_nor_text_nor_token(
    meta: MetaProvider, double: WhatsAppDouble, answer: Answer
) -> None:
    double.script(PHONE, answer)

    error = failure(meta)

    shown = repr(error) + str(error) + repr(error.__cause__)
    assert not any(secret in shown for secret in ("9800000000", "Namaste", "meta-token"))
    assert error.__cause__ is None


def test_a_wrong_token_concerns_the_account(double: WhatsAppDouble) -> None:
    with closing(MetaProvider(meta_settings(double.url, meta_access_token="expired"))) as meta:
        error = failure(meta)

    assert error.verdict is Verdict.ACCOUNT


def test_threads_share_one_client_and_its_connections(meta: MetaProvider, double: WhatsAppDouble) -> None:
    with ThreadPoolExecutor(5) as threads:
        sent = list(threads.map(lambda number: meta.send(a_text(f"whatsapp-{number}")), range(50)))

    assert len({each.provider_id for each in sent}) == 50
    assert {taken.job_id for taken in double.taken} == {f"whatsapp-{number}" for number in range(50)}
