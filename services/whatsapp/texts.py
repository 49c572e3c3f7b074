"""The text of each message in English and Nepali; pure.

A text never exceeds the limit that it is given: long lists end with how many
lines were left out, so that amounts, totals and instructions always stay whole.
"""

from __future__ import annotations

from decimal import Decimal
from functools import singledispatch

from services.whatsapp.formats import day, many_lines, one_line, quantity, shorten
from services.whatsapp.phrases import PHRASES, Phrases
from shared.errors import PermanentError
from shared.messages.whatsapp import (
    BalanceInquiryResponse,
    DeliveryUpdate,
    DueOrder,
    GenericMessage,
    Language,
    MessageData,
    OrderConfirmation,
    OrderLine,
    PaymentReminder,
    VendorNotification,
)
from shared.money import npr

NAME_LIMIT = 80
"""Longest product or shop name that is shown whole."""


def text_of(content: MessageData, language: Language, *, limit: int) -> str:
    """The body of ``content``, at most ``limit`` characters; PermanentError for free text that is longer."""
    text = _text(content, language, limit)
    if len(text) > limit and isinstance(content, GenericMessage):
        raise PermanentError(f"the message has {len(text)} characters, the provider takes {limit}")
    return shorten(text, limit)


@singledispatch
def _text(content: object, language: Language, limit: int) -> str:
    message = f"no text for {type(content).__name__} in {language} within {limit} characters"
    raise TypeError(message)


@_text.register
def _(content: OrderConfirmation, language: Language, limit: int) -> str:
    words = PHRASES[language]
    head = words.order_confirmed.format(order=_short(content.order_number))
    tail = f"{words.total.format(total=npr(content.total))}\n\n{words.order_confirmed_end}"
    return _with_items(head, content.items, tail, words, limit)


@_text.register
def _(content: VendorNotification, language: Language, limit: int) -> str:
    words = PHRASES[language]
    order = _short(content.order_number)
    head = words.vendor_order.format(order=order, retailer=_short(content.retailer_name))
    tail = f"{words.total.format(total=npr(content.total))}\n\n{words.vendor_answer.format(order=order)}"
    return _with_items(head, content.items, tail, words, limit)


@_text.register
def _(content: DeliveryUpdate, language: Language, limit: int) -> str:
    words = PHRASES[language]
    order = _short(content.order_number)
    line = words.delivery.get(content.status, words.delivery_other)
    lines = [line.format(order=order, status=status_words(content.status, words))]
    if content.expected_delivery is not None:
        lines.append(words.expected_delivery.format(day=day(content.expected_delivery, language)))
    if content.notes:
        room = limit - sum(len(each) + 1 for each in lines)
        lines.append(shorten(words.notes.format(notes=many_lines(content.notes)), room))
    return "\n".join(lines)


@_text.register
def _(content: PaymentReminder, language: Language, limit: int) -> str:
    words = PHRASES[language]
    head = words.reminder[content.reminder_type].format(
        shop=_short(content.shop_name), total=npr(content.total_overdue)
    )
    tail = words.reminder_end[content.reminder_type]
    if content.payment_link:
        tail = f"{words.pay_here.format(link=content.payment_link)}\n\n{tail}"
    lines = [due_order_line(order, language) for order in content.orders]
    room = limit - len(head) - len(tail) - 4
    return "\n\n".join(part for part in (head, _fitting(lines, words.more_orders, room), tail) if part)


@_text.register
def _(content: BalanceInquiryResponse, language: Language, limit: int) -> str:  # noqa: ARG001 - always short
    words = PHRASES[language]
    debt = npr(max(content.outstanding_debt, Decimal(0)))
    limit_text, available = npr(content.credit_limit), npr(content.available_credit)
    lines = [words.balance.format(limit=limit_text, debt=debt, available=available)]
    if content.outstanding_debt < 0:
        lines.append(words.balance_in_favour.format(amount=npr(-content.outstanding_debt)))
    if content.next_due is not None:
        lines.append(words.next_due.format(day=day(content.next_due, language)))
    return "\n".join(lines)


@_text.register
def _(content: GenericMessage, language: Language, limit: int) -> str:  # noqa: ARG001 - free text has its own language
    return many_lines(content.message)


def status_words(status: str, words: Phrases) -> str:
    """The order state in words; one that isn't in the table is shown in lower case without underscores."""
    return words.status.get(status) or _short(status.replace("_", " ").lower())


def due_order_line(order: DueOrder, language: Language) -> str:
    """``• ORD2611000001: Rs. 1,500.00, due 1 Dec 2026``."""
    words = PHRASES[language]
    number, amount = _short(order.order_number), npr(order.due_amount)
    return words.due_order.format(order=number, amount=amount, day=day(order.due_date, language))


def item_line(item: OrderLine) -> str:
    """``Basmati rice 25 kg: 10 × Rs. 1,450.00``."""
    return f"{_short(item.product_name)}: {quantity(item.quantity)} × {npr(item.unit_price)}"


def _with_items(head: str, items: tuple[OrderLine, ...], tail: str, words: Phrases, limit: int) -> str:
    room = limit - len(head) - len(words.items) - len(tail) - 5
    lines = _fitting([f"• {item_line(item)}" for item in items], words.more_items, room)
    parts = [head, f"{words.items}\n{lines}", tail] if lines else [head, tail]
    return "\n\n".join(parts)


def _fitting(lines: list[str], more: str, room: int) -> str:
    """As many lines as fit into ``room`` characters, then how many were left out."""
    shown = len(lines)
    while shown and len(_listed(lines, shown, more)) > room:
        shown -= 1
    text = _listed(lines, shown, more)
    return text if len(text) <= room else ""


def _listed(lines: list[str], shown: int, more: str) -> str:
    left_out = len(lines) - shown
    return "\n".join(lines[:shown] + ([more.format(count=left_out)] if left_out else []))


def _short(name: str) -> str:
    return shorten(one_line(name), NAME_LIMIT)
