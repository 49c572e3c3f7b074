"""The words that people may write to us, in English and Nepali: one table, which the README repeats."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a command asks for."""

    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"
    BALANCE = "BALANCE"
    STOP = "STOP"
    START = "START"
    UNCLEAR = "UNCLEAR"
    """It begins like an answer and ends like a question."""


ANSWERS: dict[Kind, tuple[str, ...]] = {
    Kind.ACCEPT: ("accept", "accepted", "स्वीकार", "स्विकार", "स्वीकृत"),
    Kind.DECLINE: ("decline", "declined", "reject", "rejected", "अस्वीकार", "अस्विकार", "अस्वीकृत"),
}
"""The first word of a line that answers an offer; the order's number follows."""

WHOLE_MESSAGES: dict[Kind, tuple[str, ...]] = {
    Kind.BALANCE: (
        "balance",
        "my balance",
        "check balance",
        "credit balance",
        "baki",
        "baki kati",
        "kati baki",
        "ब्यालेन्स",
        "मेरो ब्यालेन्स",
        "बाँकी",
        "बाँकी कति",
        "बाँकी कति छ",
        "कति बाँकी",
        "कति बाँकी छ",
    ),
    Kind.STOP: (
        "stop",
        "stop all",
        "stopall",
        "stop messages",
        "stop reminders",
        "stop sending messages",
        "stop sending reminders",
        "unsubscribe",
        "opt out",
        "स्टप",
        "रोक्नुहोस्",
        "बन्द गर्नुहोस्",
        "सन्देश बन्द गर्नुहोस्",
        "नपठाउनुहोस्",
        "सन्देश नपठाउनुहोस्",
    ),
    Kind.START: (
        "start",
        "unstop",
        "subscribe",
        "opt in",
        "start messages",
        "start reminders",
        "स्टार्ट",
        "सुरु",
        "सुरु गर्नुहोस्",
        "फेरि पठाउनुहोस्",
    ),
}
"""Commands that are all of a message, but for punctuation and politeness."""

POLITE_WORDS = frozenset({"please", "pls", "plz", "कृपया"})

FILLERS = frozenset(
    {"order", "orders", "offer", "no", "number", "the", "this", "it", "and", "reply", "yes", "ok", "sir"}
    | {"please", "pls", "thanks", "thank", "you", "कृपया", "धन्यवाद", "हजुर"}
    | {"अर्डर", "नं", "नम्बर", "र", "गर्न", "गर्छु", "गर्छौं", "गरें", "गरेँ", "छ", "हुन्छ"}
)
"""Words that may stand between an answer and its number: ``ACCEPT order no. 5``, ``स्वीकार गर्न: ACCEPT 5``."""

ANSWER_WORDS: dict[str, Kind] = {word: kind for kind, words in ANSWERS.items() for word in words}
PHRASES: dict[str, Kind] = {phrase: kind for kind, phrases in WHOLE_MESSAGES.items() for phrase in phrases}
