"""The words of the messages in both languages; pure.

``{…}`` are the values that ``texts.py`` fills in. The words ACCEPT and DECLINE
stay in Latin letters in both languages, since the answer is read by a program.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.messages.reminders import ReminderType
from shared.messages.whatsapp import Language


@dataclass(frozen=True, slots=True)
class Phrases:
    """Every text of one language, in the order of the message types."""

    items: str
    more_items: str
    more_orders: str
    total: str
    order_confirmed: str
    order_confirmed_end: str
    vendor_order: str
    vendor_answer: str
    delivery: dict[str, str]
    delivery_other: str
    status: dict[str, str]
    expected_delivery: str
    notes: str
    reminder: dict[ReminderType, str]
    reminder_end: dict[ReminderType, str]
    due_order: str
    pay_here: str
    balance: str
    balance_in_favour: str
    next_due: str
    none: str
    reply_here: str


ENGLISH = Phrases(
    items="Items:",
    more_items="… and {count} more items",
    more_orders="… and {count} more orders",
    total="Total: {total}",
    order_confirmed="✅ Your order {order} is confirmed.",
    order_confirmed_end="We will let you know when it is on its way. Thank you!",
    vendor_order="🛒 You have a new order {order} from {retailer}.",
    vendor_answer="Please reply with one of these lines.\nTo accept: ACCEPT {order}\nTo decline: DECLINE {order}",
    delivery={
        "DRAFT": "⚠️ Your order {order} could not be confirmed.",
        "DISPATCHED": "🚚 Your order {order} is on its way.",
        "DELIVERED": "📦 Your order {order} has been delivered. Thank you!",
        "CANCELLED": "❌ Your order {order} has been cancelled.",
    },
    delivery_other="ℹ️ Your order {order} is now {status}.",
    status={
        "DRAFT": "not confirmed",
        "CONFIRMED": "confirmed",
        "VENDOR_ASSIGNED": "with the vendor",
        "ACCEPTED": "accepted by the vendor",
        "DISPATCHED": "on its way",
        "DELIVERED": "delivered",
        "COMPLETED": "completed",
        "CANCELLED": "cancelled",
    },
    expected_delivery="Expected delivery: {day}",
    notes="Note: {notes}",
    reminder={
        ReminderType.DUE_SOON: "🔔 Dear {shop}, a payment of {total} will be due soon.",
        ReminderType.OVERDUE: "⚠️ Dear {shop}, a payment of {total} is overdue.",
        ReminderType.FINAL_NOTICE: "❗ Final notice. Dear {shop}, {total} is still unpaid.",
    },
    reminder_end={
        ReminderType.DUE_SOON: "If you have already paid, please ignore this message. Thank you!",
        ReminderType.OVERDUE: "Please pay as soon as you can. If you have already paid, please ignore this message.",
        ReminderType.FINAL_NOTICE: "Please pay now, or we will have to stop further orders on credit.",
    },
    due_order="• {order}: {amount}, due {day}",
    pay_here="Pay here: {link}",
    balance="💳 Your credit account\nCredit limit: {limit}\nTo be paid: {debt}\nAvailable credit: {available}",
    balance_in_favour="In your favour: {amount}",
    next_due="Next payment due: {day}",
    none="none",
    reply_here="please reply to this message",
)

NEPALI = Phrases(
    items="सामानहरू:",
    more_items="… र थप {count} वटा सामान",
    more_orders="… र थप {count} वटा अर्डर",
    total="जम्मा रकम: {total}",
    order_confirmed="✅ तपाईंको अर्डर {order} पक्का भयो।",
    order_confirmed_end="सामान पठाएपछि हामी तपाईंलाई खबर गर्नेछौं। धन्यवाद!",
    vendor_order="🛒 {retailer} बाट नयाँ अर्डर {order} आएको छ।",
    vendor_answer=("कृपया तलको एउटा लाइन लेखेर जवाफ दिनुहोस्।\nस्वीकार गर्न: ACCEPT {order}\nअस्वीकार गर्न: DECLINE {order}"),
    delivery={
        "DRAFT": "⚠️ तपाईंको अर्डर {order} पक्का हुन सकेन।",
        "DISPATCHED": "🚚 तपाईंको अर्डर {order} को सामान पठाइएको छ।",
        "DELIVERED": "📦 तपाईंको अर्डर {order} को सामान पुर्‍याइएको छ। धन्यवाद!",
        "CANCELLED": "❌ तपाईंको अर्डर {order} रद्द गरिएको छ।",
    },
    delivery_other="ℹ️ तपाईंको अर्डर {order} को अवस्था: {status}।",
    status={
        "DRAFT": "पक्का नभएको",
        "CONFIRMED": "पक्का भएको",
        "VENDOR_ASSIGNED": "विक्रेतालाई पठाइएको",
        "ACCEPTED": "विक्रेताले स्वीकार गरेको",
        "DISPATCHED": "सामान पठाइएको",
        "DELIVERED": "सामान पुर्‍याइएको",
        "COMPLETED": "सम्पन्न भएको",
        "CANCELLED": "रद्द गरिएको",
    },
    expected_delivery="सामान पुग्ने अनुमानित मिति: {day}",
    notes="कैफियत: {notes}",
    reminder={
        ReminderType.DUE_SOON: "🔔 {shop} ज्यू, तपाईंको {total} भुक्तानी गर्ने म्याद नजिकिँदै छ।",
        ReminderType.OVERDUE: "⚠️ {shop} ज्यू, तपाईंको {total} भुक्तानी गर्ने म्याद नाघिसकेको छ।",
        ReminderType.FINAL_NOTICE: "❗ अन्तिम सूचना: {shop} ज्यू, तपाईंको {total} अझै भुक्तानी हुन बाँकी छ।",
    },
    reminder_end={
        ReminderType.DUE_SOON: "भुक्तानी गरिसक्नुभएको भए यो सन्देशलाई बेवास्ता गर्नुहोला। धन्यवाद!",
        ReminderType.OVERDUE: ("कृपया सकेसम्म चाँडो भुक्तानी गर्नुहोस्। भुक्तानी गरिसक्नुभएको भए यो सन्देशलाई बेवास्ता गर्नुहोला।"),
        ReminderType.FINAL_NOTICE: "कृपया अहिले नै भुक्तानी गर्नुहोस्, नत्र उधारोमा थप अर्डर रोक्नुपर्ने हुन्छ।",
    },
    due_order="• {order}: {amount}, म्याद {day}",
    pay_here="यहाँबाट भुक्तानी गर्नुहोस्: {link}",
    balance="💳 तपाईंको उधारो खाता\nउधारो सीमा: {limit}\nतिर्न बाँकी: {debt}\nबाँकी उधारो सुविधा: {available}",
    balance_in_favour="तपाईंले पाउनुपर्ने: {amount}",
    next_due="अर्को भुक्तानीको म्याद: {day}",
    none="छैन",
    reply_here="यही सन्देशको जवाफ दिनुहोस्",
)

PHRASES: dict[Language, Phrases] = {Language.ENGLISH: ENGLISH, Language.NEPALI: NEPALI}
