"""What we write back to a command that can't be obeyed as it stands, in both languages; pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from gateway.webhooks.words import Kind
from shared.messages.whatsapp import Language

SHOWN = 3
"""More lines to choose from than anybody reads."""


class Reply(StrEnum):
    """One of the texts below."""

    WHICH_ORDER = "which order"
    UNCLEAR = "unclear"
    NOT_WAITING = "not waiting"
    NOTHING_WAITING = "nothing waiting"
    NOT_A_VENDOR = "not a vendor"
    WHICH_SHOP = "which shop"
    NO_SHOP = "no shop"
    STARTED = "started"


_ENGLISH = {
    Reply.WHICH_ORDER: "Which order do you mean?",
    Reply.UNCLEAR: "We are not sure what you mean.",
    Reply.NOT_WAITING: "No order with this number is waiting for your answer.",
    Reply.NOTHING_WAITING: "No order is waiting for your answer at the moment.",
    Reply.NOT_A_VENDOR: "This number is not registered for a vendor. Please answer from the number that gets orders.",
    Reply.WHICH_SHOP: "Which shop do you mean?",
    Reply.NO_SHOP: "This number is not registered for a shop. Please write BALANCE from the number of your shop.",
    Reply.STARTED: "You will get our messages and reminders again. To end them, write STOP.",
}
_NEPALI = {
    Reply.WHICH_ORDER: "कुन अर्डरको जवाफ हो?",
    Reply.UNCLEAR: "तपाईंको जवाफ स्पष्ट भएन।",
    Reply.NOT_WAITING: "यो नम्बरको कुनै अर्डरमा तपाईंको जवाफ दिन बाँकी छैन।",
    Reply.NOTHING_WAITING: "अहिले तपाईंको जवाफ दिन बाँकी कुनै अर्डर छैन।",
    Reply.NOT_A_VENDOR: "यो फोन नम्बर विक्रेताको नाममा दर्ता छैन। कृपया अर्डर आउने नम्बरबाट जवाफ दिनुहोस्।",
    Reply.WHICH_SHOP: "कुन पसलको हिसाब हेर्ने हो?",
    Reply.NO_SHOP: "यो फोन नम्बर पसलको नाममा दर्ता छैन। कृपया आफ्नो पसलको नम्बरबाट BALANCE लेख्नुहोस्।",
    Reply.STARTED: "अब तपाईंले फेरि हाम्रा सन्देश र सम्झाउनीहरू पाउनुहुनेछ। बन्द गर्न STOP लेख्नुहोस्।",
}
_TEXTS = {Language.ENGLISH: _ENGLISH, Language.NEPALI: _NEPALI}
_CHOOSE = {
    Language.ENGLISH: "Please reply with one of these lines:",
    Language.NEPALI: "कृपया तलको एउटा लाइन लेखेर जवाफ दिनुहोस्:",
}


def text_of(reply: Reply, language: Language, *, orders: Sequence[str] = (), shops: Sequence[str] = ()) -> str:
    """The text, with the lines to choose from where there are orders that wait or shops.

    Each order stands with both answers: whoever sends the whole text back answers nothing by it.
    """
    lines = [f"{kind} {order}" for order in orders[:SHOWN] for kind in (Kind.ACCEPT, Kind.DECLINE)]
    lines += [f"{Kind.BALANCE} {shop}" for shop in shops[:SHOWN]]
    choice = [_CHOOSE[language], *lines] if lines else []
    return "\n".join([_TEXTS[language][reply], *choice])
