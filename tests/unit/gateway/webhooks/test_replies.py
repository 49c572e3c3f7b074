"""The texts that are written back."""

from __future__ import annotations

import pytest

from gateway.webhooks.commands import parse
from gateway.webhooks.offers import Offer, decide
from gateway.webhooks.replies import Reply, text_of
from shared.clock import Clock
from shared.messages.whatsapp import Language


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("reply", Reply)
def test_every_reply_exists_in_both_languages_and_fits(reply: Reply, language: Language) -> None:
    text = text_of(reply, language, orders=["N" * 64] * 9)

    assert 0 < len(text) < 1000
    assert (max(text) >= "\u0900") is (language is Language.NEPALI)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("reply", Reply)
def test_a_reply_that_comes_back_commands_nothing(reply: Reply, language: Language) -> None:
    """Two programs that send each other's texts back must not accept an order."""
    now = Clock().now()
    commands = parse(text_of(reply, language, orders=["ORD1", "ORD2"]))
    decision = decide(
        commands, [Offer(order, "VEN001", now) for order in ("ORD1", "ORD2")], written_at=now, quoted=None
    )

    assert decision.answers == ()
    assert parse(text_of(reply, language, shops=["RET001"])) == ()


def test_only_the_first_few_orders_are_shown() -> None:
    text = text_of(Reply.WHICH_ORDER, Language.ENGLISH, orders=[f"ORD{i}" for i in range(9)])

    assert text.splitlines()[-1] == "DECLINE ORD2"
