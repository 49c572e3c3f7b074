"""The text of each message in English and Nepali; pure.

A text never exceeds the limit that it is given: long lists end with how many
lines were left out, so that amounts, totals and instructions always stay whole.
"""

from __future__ import annotations

from decimal import Decimal
from functools import singledispatch

from services.whatsapp.content import (
    Balance,
    Content,
    DeliveryUpdate,
    DueOrder,
    Generic,
    Item,
    OrderConfirmation,
    PaymentReminder,
    VendorNotification,
)
from services.whatsapp.formats import Language, day, many_lines, money, one_line, quantity, shorten
from services.whatsapp.phrases import PHRASES, Phrases

NAME_LIMIT = 80
"""Longest product or shop name that is shown whole."""


def text_of(content: Content, language: Language, *, limit: int) -> str:
    """The body of ``content``, at most ``limit`` characters."""
    return shorten(_text(content, language, limit), limit)


@singledispatch
def _text(content: object, language: Language, limit: int) -> str:
    message = f"no text for {type(content).__name__} in {language} within {limit} characters"
    raise TypeError(message)


@_text.register
def _(content: OrderConfirmation, language: Language, limit: int) -> str:
    words = PHRASES[language]
    head = words.order_confirmed.format(order=_short(content.order_number))
    tail = f"{words.total.format(total=money(content.total))}\n\n{words.order_confirmed_end}"
    return _with_items(head, content.items, tail, words, limit)


@_text.register
def _(content: VendorNotification, language: Language, limit: int) -> str:
    words = PHRASES[language]
    order = _short(content.order_number)
    head = words.vendor_order.format(order=order, retailer=_short(content.retailer_name))
    tail = f"{words.total.format(total=money(content.total))}\n\n{words.vendor_answer.format(order=order)}"
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
    head = words.reminder[content.reminder_type].format(shop=_short(content.shop_name), total=money(content.total))
    tail = words.reminder_end[content.reminder_type]
    if content.payment_link:
        tail = f"{words.pay_here.format(link=content.payment_link)}\n\n{tail}"
    lines = [due_order_line(order, language) for order in content.orders]
    room = limit - len(head) - len(tail) - 4
    return "\n\n".join(part for part in (head, _fitting(lines, words.more_orders, room), tail) if part)


@_text.register
def _(content: Balance, language: Language, limit: int) -> str:
    words = PHRASES[language]
    debt = money(max(content.debt, Decimal(0)))
    limit_text, available = money(content.credit_limit), money(content.available)
    lines = [words.balance.format(limit=limit_text, debt=debt, available=available)]
    if content.debt < 0:
        lines.append(words.balance_in_favour.format(amount=money(-content.debt)))
    due = next_due(content, language)
    if due:
        lines.append(due)
    return shorten("\n".join(lines), limit)


@_text.register
def _(content: Generic, language: Language, limit: int) -> str:  # noqa: ARG001 - free text has its own language
    return shorten(many_lines(content.message), limit)


def status_words(status: str, words: Phrases) -> str:
    """The order state in words; one that isn't in the table is shown in lower case without underscores."""
    return words.status.get(status) or _short(status.replace("_", " ").lower())


def due_order_line(order: DueOrder, language: Language) -> str:
    """``• ORD2611000001: Rs. 1,500.00, due 1 Dec 2026``."""
    words = PHRASES[language]
    number, amount = _short(order.order_number), money(order.amount)
    if order.due_on is None:
        return words.due_order_undated.format(order=number, amount=amount)
    return words.due_order.format(order=number, amount=amount, day=day(order.due_on, language))


def item_line(item: Item) -> str:
    """``• Basmati rice 25 kg: 10 × Rs. 1,450.00``, without the price if there is none."""
    line = f"• {_short(item.name)}: {quantity(item.quantity)}"
    return line if item.unit_price is None else f"{line} × {money(item.unit_price)}"


def next_due(content: Balance, language: Language) -> str:
    """The line on the next payment, empty if none is due."""
    words = PHRASES[language]
    if content.next_due is None:
        return ""
    if content.next_amount is None:
        return words.next_due.format(day=day(content.next_due, language))
    return words.next_due_amount.format(amount=money(content.next_amount), day=day(content.next_due, language))


def _with_items(head: str, items: tuple[Item, ...], tail: str, words: Phrases, limit: int) -> str:
    room = limit - len(head) - len(words.items) - len(tail) - 5
    lines = _fitting([item_line(item) for item in items], words.more_items, room)
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
