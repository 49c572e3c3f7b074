"""Which offers a vendor's message answers; pure.

Nothing is guessed: without a number only the one offer that can be meant is answered, and an order that one
message both accepts and declines (our own text, sent back) is answered not at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.webhooks.commands import Command, is_clear, named_in, names_something, reason_of
from gateway.webhooks.replies import Reply
from gateway.webhooks.words import Kind
from shared.messages.routing import Answer, AnswerOffer

ANSWER_OF = {Kind.ACCEPT: Answer.ACCEPT, Kind.DECLINE: Answer.DECLINE}
_OPPOSITE = {Answer.ACCEPT: Answer.DECLINE, Answer.DECLINE: Answer.ACCEPT}


@dataclass(frozen=True, slots=True)
class Offer:
    """An order that waits for the answer of one of the sender's vendors."""

    order: str
    vendor: str
    offered_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """The answers to enqueue, and what to write back, if anything, about which orders."""

    answers: tuple[AnswerOffer, ...] = ()
    reply: Reply | None = None
    orders: tuple[str, ...] = ()


def decide(
    commands: Sequence[Command], pending: Sequence[Offer], *, written_at: datetime, quoted: str | None
) -> Decision:
    """What a vendor's ACCEPTs and DECLINEs come to.

    ``written_at`` is the message's time by the clock of the offers: one made later can't be meant without its
    number. ``quoted`` is the text of our offer that the message is a reply to.
    """
    meant = [offer for offer in pending if offer.offered_at <= written_at]
    if quoted is not None:
        meant = [offer for offer in meant if _stands_in(offer.order, quoted)]
    parts = [_read(command, pending, meant, is_quoting=quoted is not None) for command in commands]
    answers = {(each.order_id, each.response): each for part in parts for each in part.answers}
    disputed = tuple(order for order, answer in answers if (order, _OPPOSITE[answer]) in answers)
    if disputed:
        parts = [Decision(reply=Reply.UNCLEAR, orders=tuple(dict.fromkeys(disputed))), *parts]
    asked = next((part for part in parts if part.reply is not None), Decision())
    clear = tuple(each for each in answers.values() if each.order_id not in disputed)
    left = [offer.order for offer in pending if offer.order not in {each.order_id for each in clear}]
    # Those in question come first: only a few are shown.
    return Decision(clear, asked.reply, tuple(dict.fromkeys([*asked.orders, *left])))


def _read(command: Command, pending: Sequence[Offer], meant: Sequence[Offer], *, is_quoting: bool) -> Decision:
    if command.kind is Kind.UNCLEAR:
        return Decision(reply=Reply.UNCLEAR if pending else Reply.NOTHING_WAITING)
    offers = {offer.order: offer for offer in pending}
    numbers, rest = named_in(command.about, offers)
    if numbers and not is_clear(rest):
        return Decision(reply=Reply.UNCLEAR, orders=tuple(numbers))
    if numbers:
        return Decision(tuple(_answer(command, offers[number], rest) for number in numbers))
    if not command.about and len(meant) == 1:
        return Decision((_answer(command, meant[0], ""),))
    return Decision(reply=_question(command.about, pending, is_quoting=is_quoting))


def _question(about: str, pending: Sequence[Offer], *, is_quoting: bool) -> Reply | None:
    """What to write back to an answer that names no offer; None for what is rather talk."""
    if names_something(about) or (is_quoting and not about):
        return Reply.NOT_WAITING
    if about:
        return Reply.WHICH_ORDER if pending else None
    return Reply.WHICH_ORDER if pending else Reply.NOTHING_WAITING


def _stands_in(number: str, text: str) -> bool:
    """Whether the text names the number, and not one that it is a part of."""
    pattern = r"\s+".join(map(re.escape, number.split()))
    return re.search(rf"(?<![\w/-]){pattern}(?![\w/-])", text) is not None


def _answer(command: Command, offer: Offer, rest: str) -> AnswerOffer:
    return AnswerOffer(offer.order, offer.vendor, ANSWER_OF[command.kind], reason_of(rest))
