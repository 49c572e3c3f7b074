"""Obeying what people write: jobs in the webhook's own transaction, with ids derived from the provider's.

Only messages that are stored for the first time come here, so a redelivered webhook asks for nothing again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from marshmallow import ValidationError
from sqlalchemy.orm import Session

from gateway.webhooks import offers, senders
from gateway.webhooks.commands import Command, named_in, names_something, parse
from gateway.webhooks.events import Inbound
from gateway.webhooks.replies import Reply, text_of
from gateway.webhooks.words import Kind
from shared import outbox
from shared.jobs.requests import new_job
from shared.messages.whatsapp import BalanceInquiryResponse, GenericMessage, Language, MessageType, SendMessage
from shared.money import to_rupees

REPLIES_AN_HOUR = 5
"""Two programs that answer each other must come to an end."""

AN_HOUR = timedelta(hours=1)
WINDOW = timedelta(hours=24)
"""A text to somebody whose message comes to us later than this can't be sent any more."""

_NEPALI_LETTERS = ("\u0900", "\u097f")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A text to write back: in the language of those who are registered, if the phone hasn't chosen one."""

    reply: Reply
    registered: Language | None = None
    orders: Sequence[str] = ()
    shops: Sequence[str] = ()


def answer(tx: Session, messages: Sequence[Inbound], *, now: datetime, business_now: datetime) -> list[str]:
    """Obey the commands in new messages; returns the ids of the outbox jobs, to be published after the commit.

    ``now`` is true time, as in the messages; ``business_now`` the same moment by the clock that the services
    go by. A phone is written back to once per batch.
    """
    job_ids: list[str] = []
    replied: set[str] = set()
    # By phone, as everything that locks rows; the messages of each in the order of writing.
    for message in sorted(messages, key=lambda each: (each.phone, each.at)):
        commands = parse(message.payload) or parse(message.body)
        if not commands:
            continue
        written_at = business_now - (now - message.at)
        wanted = _obey(tx, message, commands, written_at=written_at, job_ids=job_ids)
        if wanted is not None and message.phone not in replied and _may_reply(tx, message, now):
            replied.add(message.phone)
            job_ids += _reply(tx, message, wanted)
    return job_ids


def _obey(
    tx: Session, message: Inbound, commands: Sequence[Command], *, written_at: datetime, job_ids: list[str]
) -> Answer | None:
    match commands[0].kind:
        case Kind.STOP:
            senders.set_opted_out(tx, message, opted_out=True)
            return None
        case Kind.START:
            senders.set_opted_out(tx, message, opted_out=False)
            return Answer(Reply.STARTED, _language_of_anybody(tx, message.phone))
        case Kind.BALANCE:
            return _balance(tx, message, commands[0].about, job_ids)
        case _:
            return _offers(tx, message, commands, written_at, job_ids)


def _offers(
    tx: Session, message: Inbound, commands: Sequence[Command], written_at: datetime, job_ids: list[str]
) -> Answer | None:
    vendors = senders.vendors(tx, message.phone)
    if not vendors:
        is_answer = any(not each.about or names_something(each.about) for each in commands)
        return Answer(Reply.NOT_A_VENDOR, _language_of_anybody(tx, message.phone)) if is_answer else None
    pending = senders.pending_offers(tx, list(vendors))
    quoted = senders.quoted_offer(tx, message)
    decision = offers.decide(commands, pending, written_at=written_at + senders.A_SECOND, quoted=quoted)
    for number, job in enumerate(decision.answers, 1):
        job_ids.append(outbox.add(tx, _parent(message), f"answer-{number}", new_job(job)))
    if decision.reply is None:
        return None
    return Answer(decision.reply, next(iter(vendors.values())), orders=decision.orders)


def _balance(tx: Session, message: Inbound, about: str, job_ids: list[str]) -> Answer | None:
    shops = {shop.code: shop for shop in senders.shops(tx, message.phone)}
    named, rest = named_in(about, shops)
    if about and (not named or rest):
        return _which_shop(list(shops.values())) if names_something(about) else None
    chosen = named or list(shops)
    if len(chosen) != 1:
        return _which_shop(list(shops.values()))
    shop = shops[chosen[0]]
    content = BalanceInquiryResponse(
        credit_limit=to_rupees(shop.limit_paisa),
        outstanding_debt=to_rupees(shop.debt_paisa),
        available_credit=to_rupees(max(0, shop.limit_paisa - shop.debt_paisa)),
        next_due=shop.next_due,
    )
    job = SendMessage(MessageType.BALANCE_INQUIRY_RESPONSE, message.phone, content, shop.language)
    # While one answer waits, a second would say the same.
    options = {"deduplicationKey": f"balance-{_digest(shop.code)}"}
    job_ids.append(outbox.add(tx, _parent(message), "balance", new_job(job, options)))
    return None


def _which_shop(shops: Sequence[senders.Shop]) -> Answer:
    if not shops:
        return Answer(Reply.NO_SHOP)
    return Answer(Reply.WHICH_SHOP, shops[0].language, shops=[shop.code for shop in shops])


def _may_reply(tx: Session, message: Inbound, now: datetime) -> bool:
    """Whether a text can and should go out: not after STOP, not too often, not once the window has closed."""
    if senders.preference(tx, message.phone).opted_out or now - message.at >= WINDOW:
        return False
    return senders.texts_since(tx, message.phone, now - AN_HOUR) < REPLIES_AN_HOUR


def _reply(tx: Session, message: Inbound, wanted: Answer) -> list[str]:
    language = senders.preference(tx, message.phone).language or wanted.registered or _language_of(message.body)
    text = text_of(wanted.reply, language, orders=wanted.orders, shops=wanted.shops)
    job = SendMessage(MessageType.GENERIC_MESSAGE, message.phone, GenericMessage(text), language)
    # While one text waits to be sent, what was written meanwhile gets no other.
    options = {"deduplicationKey": f"reply-{_digest(message.phone)}"}
    try:
        return [outbox.add(tx, _parent(message), "reply", new_job(job, options))]
    except ValidationError:
        logger.warning("a %s message came from what is no phone number: nothing is written back", message.provider)
        return []


def _language_of_anybody(tx: Session, phone: str) -> Language | None:
    languages = [*senders.vendors(tx, phone).values(), *(shop.language for shop in senders.shops(tx, phone))]
    return next(iter(languages), None)


def _language_of(text: str) -> Language:
    first, last = _NEPALI_LETTERS
    return Language.NEPALI if any(first <= character <= last for character in text) else Language.ENGLISH


def _parent(message: Inbound) -> str:
    """The provider's id as part of a job's: hashed, since it may hold what a job's id can't."""
    return f"inbound-{_digest(f'{message.provider} {message.provider_id}')}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
