"""Which offers a message answers, and what is asked back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.webhooks.commands import parse
from gateway.webhooks.offers import Decision, Offer, decide
from gateway.webhooks.replies import Reply
from shared.messages.routing import Answer, AnswerOffer

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
ONE = Offer("ORD1", "VEN001", NOW - timedelta(hours=1))
TWO = Offer("ORD2", "VEN002", NOW - timedelta(minutes=5))


def decided(text: str, *pending: Offer, written_at: datetime = NOW, quoted: str | None = None) -> Decision:
    return decide(parse(text), pending, written_at=written_at, quoted=quoted)


def test_several_numbers_on_one_line_are_all_answered() -> None:
    assert decided("ACCEPT ORD1, ORD2", ONE, TWO).answers == (
        AnswerOffer("ORD1", "VEN001", Answer.ACCEPT),
        AnswerOffer("ORD2", "VEN002", Answer.ACCEPT),
    )


def test_the_same_answer_twice_is_one() -> None:
    assert len(decided("ACCEPT ORD1\nACCEPT ord1", ONE).answers) == 1


def test_an_order_both_accepted_and_declined_is_asked_back_and_the_others_are_answered() -> None:
    decision = decided("ACCEPT ORD2\nDECLINE ORD2\nACCEPT ORD1", ONE, TWO)

    assert decision == Decision((AnswerOffer("ORD1", "VEN001", Answer.ACCEPT),), Reply.UNCLEAR, ("ORD2",))


def test_two_answers_on_one_line_are_asked_back() -> None:
    decision = decided("ACCEPT ORD2, DECLINE ORD1", ONE, TWO)

    assert decision == Decision(reply=Reply.UNCLEAR, orders=("ORD2", "ORD1"))


def test_a_question_is_asked_back() -> None:
    assert decided("ACCEPT ORD1?", ONE) == Decision(reply=Reply.UNCLEAR, orders=("ORD1",))
    assert decided("accept?", ONE).reply is Reply.UNCLEAR
    assert decided("accept?").reply is Reply.NOTHING_WAITING


def test_a_refusal_that_names_only_its_reason_is_asked_back() -> None:
    assert decided("DECLINE out of stock", ONE) == Decision(reply=Reply.WHICH_ORDER, orders=("ORD1",))


def test_words_after_the_answer_are_talk_where_nothing_waits() -> None:
    assert decided("Accept my apologies") == Decision()


def test_a_number_that_does_not_wait_never_answers_the_one_that_does() -> None:
    assert decided("ACCEPT ORD7", ONE) == Decision(reply=Reply.NOT_WAITING, orders=("ORD1",))


def test_without_a_number_an_offer_made_after_the_message_is_not_meant() -> None:
    assert decided("ACCEPT", TWO, written_at=TWO.offered_at - timedelta(seconds=1)).answers == ()
    assert decided("ACCEPT", ONE, TWO, written_at=TWO.offered_at - timedelta(seconds=1)).answers[0].order_id == "ORD1"
    assert decided("ACCEPT ORD2", TWO, written_at=TWO.offered_at - timedelta(days=1)).answers != ()


def test_a_quoted_message_says_which_order_is_meant() -> None:
    assert decided("ACCEPT", ONE, TWO, quoted="a new order ORD2 from Asan").answers[0].order_id == "ORD2"
    assert decided("ACCEPT", ONE, quoted="a new order ORD9 from Asan").reply is Reply.NOT_WAITING
    assert decided("ACCEPT ORD1", ONE, TWO, quoted="a new order ORD2 from Asan").answers[0].order_id == "ORD1"


def test_a_quoted_number_is_not_one_that_it_begins_with() -> None:
    for quoted in ("order ORD11 from Asan", "order ORD1-2.", "order ORD1/2"):
        assert decided("ACCEPT", ONE, quoted=quoted).answers == ()
    spaced = Offer("PO  5", "VEN001", NOW)
    assert decided("ACCEPT", spaced, quoted="order PO 5. Reply").answers[0].order_id == "PO  5"
