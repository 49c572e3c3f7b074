"""The templates to register with Meta (or Twilio): one table, and how a message fills them; pure.

A business may write to a customer outside the 24-hour window only with an
approved template. The README holds the same table for the person who registers
them; a test compares the two. Rules of Meta that the table keeps: names in
lower case, a body of at most 1,024 characters that neither begins nor ends with
a parameter, parameters without line breaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import singledispatch

from services.whatsapp.formats import day, one_line, shorten
from services.whatsapp.phrases import PHRASES
from services.whatsapp.texts import NAME_LIMIT, item_line, status_words
from shared.messages.reminders import ReminderType
from shared.messages.whatsapp import (
    BalanceInquiryResponse,
    DeliveryUpdate,
    Language,
    MessageData,
    OrderConfirmation,
    OrderLine,
    PaymentReminder,
    VendorNotification,
)
from shared.money import npr

BODY_LIMIT = 1024
LIST_LIMIT = 400
NOTES_LIMIT = 300
LINK_LIMIT = 200
CATEGORY = "UTILITY"


@dataclass(frozen=True, slots=True)
class Template:
    """An approved text with numbered parameters: ``{{1}}`` is the first of ``parameters``."""

    name: str
    language: Language
    parameters: tuple[str, ...]
    body: str

    def filled(self, values: tuple[str, ...]) -> str:
        """The body with ``values`` in place of the parameters."""
        text = self.body
        for number, value in enumerate(values, start=1):
            text = text.replace(f"{{{{{number}}}}}", value)
        return text


@dataclass(frozen=True, slots=True)
class FilledTemplate:
    """A template and one value for each of its parameters, in their order."""

    template: Template
    values: tuple[str, ...]

    @property
    def text(self) -> str:
        """What the customer reads."""
        return self.template.filled(self.values)


def _both(name: str, parameters: tuple[str, ...], english: str, nepali: str) -> tuple[Template, Template]:
    return (
        Template(name, Language.ENGLISH, parameters, english),
        Template(name, Language.NEPALI, parameters, nepali),
    )


_REMINDER_PARAMETERS = ("shopName", "totalOverdue", "orders", "paymentLink")

TEMPLATES: dict[tuple[str, Language], Template] = {
    (template.name, template.language): template
    for pair in (
        _both(
            "order_confirmation",
            ("orderNumber", "items", "total"),
            "Your order {{1}} is confirmed. Items: {{2}}. Total: {{3}}. We will let you know when it is on its way.",
            "तपाईंको अर्डर {{1}} पक्का भयो। सामानहरू: {{2}}। जम्मा रकम: {{3}}। सामान पठाएपछि हामी खबर गर्नेछौं।",
        ),
        _both(
            "vendor_notification",
            ("orderNumber", "retailerName", "items", "total", "acceptReply", "declineReply"),
            "You have a new order {{1}} from {{2}}. Items: {{3}}. Total: {{4}}. "
            "To accept, reply: {{5}}. To decline, reply: {{6}}. Please reply in this chat.",
            "तपाईंलाई नयाँ अर्डर {{1}} आएको छ। पसल: {{2}}। सामानहरू: {{3}}। जम्मा रकम: {{4}}। "
            "स्वीकार गर्न: {{5}}। अस्वीकार गर्न: {{6}}। कृपया यहीँ लेखेर जवाफ दिनुहोस्।",
        ),
        _both(
            "delivery_update",
            ("orderNumber", "status", "expectedDelivery", "notes"),
            "Your order {{1}} is now {{2}}. Expected delivery: {{3}}. Note: {{4}}. Reply here if you have a question.",
            "तपाईंको अर्डर {{1}} को अवस्था: {{2}}। सामान पुग्ने अनुमानित मिति: {{3}}। कैफियत: {{4}}। "
            "केही सोध्नु परे यहीँ जवाफ दिनुहोस्।",
        ),
        _both(
            "payment_due_soon",
            _REMINDER_PARAMETERS,
            "Dear {{1}}, a payment of {{2}} will be due soon. Orders: {{3}}. To pay: {{4}} "
            "(if you have already paid, please ignore this message).",
            "नमस्ते {{1}} ज्यू, तपाईंको {{2}} भुक्तानी गर्ने म्याद नजिकिँदै छ। अर्डरहरू: {{3}}। भुक्तानी गर्न: {{4}} "
            "(भुक्तानी गरिसक्नुभएको भए यो सन्देशलाई बेवास्ता गर्नुहोला)।",
        ),
        _both(
            "payment_overdue",
            _REMINDER_PARAMETERS,
            "Dear {{1}}, a payment of {{2}} is overdue. Orders: {{3}}. To pay: {{4}} "
            "(if you have already paid, please ignore this message).",
            "नमस्ते {{1}} ज्यू, तपाईंको {{2}} भुक्तानी गर्ने म्याद नाघिसकेको छ। अर्डरहरू: {{3}}। भुक्तानी गर्न: {{4}} "
            "(भुक्तानी गरिसक्नुभएको भए यो सन्देशलाई बेवास्ता गर्नुहोला)।",
        ),
        _both(
            "payment_final_notice",
            _REMINDER_PARAMETERS,
            "Final notice. Dear {{1}}, {{2}} is still unpaid. Orders: {{3}}. To pay: {{4}} "
            "— please pay now, or we will have to stop further orders on credit.",
            "अन्तिम सूचना। {{1}} ज्यू, तपाईंको {{2}} अझै भुक्तानी हुन बाँकी छ। अर्डरहरू: {{3}}। भुक्तानी गर्न: {{4}} "
            "— कृपया अहिले नै भुक्तानी गर्नुहोस्, नत्र उधारोमा थप अर्डर रोक्नुपर्ने हुन्छ।",
        ),
        _both(
            "balance_inquiry_response",
            ("creditLimit", "outstandingDebt", "availableCredit", "nextDue"),
            "Your credit account: credit limit {{1}}, to be paid {{2}}, available credit {{3}}, next payment: {{4}}. "
            "Reply here if you have a question.",
            "तपाईंको उधारो खाता: उधारो सीमा {{1}}, तिर्न बाँकी {{2}}, बाँकी उधारो सुविधा {{3}}, अर्को भुक्तानी: {{4}}। "
            "केही सोध्नु परे यहीँ जवाफ दिनुहोस्।",
        ),
    )
    for template in pair
}

REMINDER_TEMPLATES = {
    ReminderType.DUE_SOON: "payment_due_soon",
    ReminderType.OVERDUE: "payment_overdue",
    ReminderType.FINAL_NOTICE: "payment_final_notice",
}


def template_of(content: MessageData, language: Language) -> FilledTemplate | None:
    """The filled template of ``content``; None for free text, which has none."""
    named = _values(content, language)
    if named is None:
        return None
    name, values = named
    safe = tuple(one_line(value) or PHRASES[language].none for value in values)
    return FilledTemplate(TEMPLATES[name, language], safe)


@singledispatch
def _values(content: object, language: Language) -> tuple[str, tuple[str, ...]] | None:  # noqa: ARG001
    return None


@_values.register
def _(content: OrderConfirmation, language: Language) -> tuple[str, tuple[str, ...]] | None:
    order = _short(content.order_number)
    return "order_confirmation", (order, _items(content.items, language), npr(content.total))


@_values.register
def _(content: VendorNotification, language: Language) -> tuple[str, tuple[str, ...]] | None:
    order = _short(content.order_number)
    return "vendor_notification", (
        order,
        _short(content.retailer_name),
        _items(content.items, language),
        npr(content.total),
        f"ACCEPT {order}",
        f"DECLINE {order}",
    )


@_values.register
def _(content: DeliveryUpdate, language: Language) -> tuple[str, tuple[str, ...]] | None:
    words = PHRASES[language]
    expected = words.none if content.expected_delivery is None else day(content.expected_delivery, language)
    status = status_words(content.status, words)
    return "delivery_update", (
        _short(content.order_number),
        status,
        expected,
        shorten(one_line(content.notes or words.none), NOTES_LIMIT),
    )


@_values.register
def _(content: PaymentReminder, language: Language) -> tuple[str, tuple[str, ...]] | None:
    words = PHRASES[language]
    orders = [
        f"{_short(order.order_number)} {npr(order.due_amount)} ({day(order.due_date, language)})"
        for order in content.orders
    ]
    link = content.payment_link or ""
    return REMINDER_TEMPLATES[content.reminder_type], (
        _short(content.shop_name),
        npr(content.total_overdue),
        _listed(orders, words.more_orders),
        link if 0 < len(link) <= LINK_LIMIT else words.reply_here,
    )


@_values.register
def _(content: BalanceInquiryResponse, language: Language) -> tuple[str, tuple[str, ...]] | None:
    words = PHRASES[language]
    debt = npr(content.outstanding_debt)
    if content.outstanding_debt < 0:
        debt = f"{npr(Decimal(0))} ({words.balance_in_favour.format(amount=npr(-content.outstanding_debt))})"
    due = words.none if content.next_due is None else day(content.next_due, language)
    return "balance_inquiry_response", (npr(content.credit_limit), debt, npr(content.available_credit), due)


def _items(items: tuple[OrderLine, ...], language: Language) -> str:
    return _listed([item_line(item) for item in items], PHRASES[language].more_items)


def _listed(lines: list[str], more: str) -> str:
    """The lines as one, with as many as fit into LIST_LIMIT characters and how many were left out."""
    shown = len(lines)
    while shown:
        left_out = len(lines) - shown
        text = "; ".join(lines[:shown] + ([more.format(count=left_out)] if left_out else []))
        if len(text) <= LIST_LIMIT:
            return text
        shown -= 1
    return ""


def _short(name: str) -> str:
    return shorten(one_line(name), NAME_LIMIT)
