from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.whatsapp import domain
from services.whatsapp.domain import Contact
from services.whatsapp.templates import FilledTemplate
from shared.errors import PermanentError, Refused
from shared.messages.whatsapp import Language, MessageType
from tests.unit.services.whatsapp.builders import a_message

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("chosen", "asked", "expected"),
    [
        (None, None, Language.ENGLISH),
        (None, Language.NEPALI, Language.NEPALI),
        (Language.NEPALI, None, Language.NEPALI),
        (Language.ENGLISH, Language.NEPALI, Language.ENGLISH),
    ],
)
def test_the_language_is_the_recipients_choice_then_the_senders_then_english(
    chosen: Language | None, asked: Language | None, expected: Language
) -> None:
    assert domain.language_of(a_message(language=asked), Contact(language=chosen)) is expected


@pytest.mark.parametrize("kind", list(MessageType))
def test_stop_ends_reminders_and_free_text_only(kind: MessageType) -> None:
    opted_out = Contact(opted_out=True)

    if kind in {MessageType.PAYMENT_REMINDER, MessageType.GENERIC_MESSAGE}:
        with pytest.raises(Refused, match="opted out"):
            domain.refuse_if_opted_out(a_message(kind), opted_out)
    else:
        domain.refuse_if_opted_out(a_message(kind), opted_out)
    domain.refuse_if_opted_out(a_message(kind), Contact())


@pytest.mark.parametrize(
    ("since", "is_open"),
    [
        (timedelta(0), True),
        (timedelta(hours=24) - timedelta(milliseconds=1), True),
        (timedelta(hours=24), False),
        (timedelta(days=3), False),
    ],
)
def test_the_window_closes_24_hours_after_the_customers_last_message(since: timedelta, is_open: bool) -> None:  # noqa: FBT001 - the expected value
    assert domain.window_is_open(NOW - since, NOW) is is_open


def test_a_customer_who_never_wrote_has_no_window() -> None:
    assert not domain.window_is_open(None, NOW)


def compose(kind: str, last_inbound_at: datetime | None) -> str | FilledTemplate:
    contact = Contact(last_inbound_at=last_inbound_at)
    return domain.compose(a_message(kind), contact, NOW, text_limit=1600, language=Language.ENGLISH)


def test_a_message_is_text_inside_the_window_and_a_template_outside() -> None:
    assert isinstance(compose("ORDER_CONFIRMATION", NOW), str)
    assert isinstance(compose("ORDER_CONFIRMATION", None), FilledTemplate)


def test_free_text_outside_the_window_fails_for_good() -> None:
    assert compose("GENERIC_MESSAGE", NOW) == "Namaste"
    with pytest.raises(PermanentError, match="has not written in the last 24 hours"):
        compose("GENERIC_MESSAGE", None)


@pytest.mark.parametrize(("passed_s", "wait_ms"), [(0, 5_000), (57, 3_000), (60, 0), (600, 0)])
def test_a_doubtful_send_is_looked_for_every_five_seconds_for_a_minute(passed_s: int, wait_ms: int) -> None:
    assert domain.receipt_wait_ms(NOW, NOW + timedelta(seconds=passed_s), 60_000) == wait_ms


@pytest.mark.parametrize(
    ("asked_ms", "released_ms", "delay_ms"),
    [
        (6_000, 0, 6_000),
        (6_000, 6_000, 6_000),
        (6_000, 12_000, 12_000),
        (1_000, 3_000_000, 300_000),
        (400_000, 0, 400_000),
    ],
)
def test_a_lasting_rate_limit_is_asked_less_and_less_often(asked_ms: int, released_ms: int, delay_ms: int) -> None:
    assert domain.slow_down_ms(asked_ms, released_ms) == delay_ms
