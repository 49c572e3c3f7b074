"""What people may write to us: a text read as commands, and the order numbers in it; pure.

ACCEPT and DECLINE begin a line, so that several orders can be answered in one message. STOP, START and BALANCE
are the whole message, so that ordinary talk isn't taken for them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.webhooks.words import ANSWER_WORDS, FILLERS, PHRASES, POLITE_WORDS, Kind
from shared.messages.routing import REASON_LENGTH

TEXT_LENGTH = 4096
NUMBER_TOKENS = 16
"""More words than any order number of 64 characters that people retype."""

# Devanagari vowel signs, viramas and the joiners between letters are no letters for ``\w``.
_LETTER = "(?:[^\\W\\d_]|[\u0900-\u0963\u0970-\u097f\u200c\u200d])"
_WORD = re.compile(f"{_LETTER}+")
_NEXT_WORD = re.compile(f"[^\\w?\u0900-\u0963\u0970-\u097f]*({_LETTER}+)(?!\\w)")
_IN_A_NUMBER = ("-", "/")
_TOKEN = re.compile(r"[^\s,;&+?]+")
_AFTER_A_WORD = re.compile(r"[\s:#.=>-]*(\S+)")
_EDGES = "#*_~`'\"“”‘’()[]<>.:!।-–—"
_BETWEEN = " \t,;:.!।&+-–—"
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
_SHOP_ORDER = 2


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that somebody asks for; ``about`` is what stands after the word: which order or shop, and why."""

    kind: Kind
    about: str = ""


def parse(text: str) -> tuple[Command, ...]:
    """The commands in a message, none for ordinary text; lines after an answer belong to its reason."""
    text = _clean(text[:TEXT_LENGTH])
    words = _words(text)
    if (kind := PHRASES.get(" ".join(words))) is not None:
        return (Command(kind),)
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    if len(lines) == 1 and (balance := _balance_of(lines[0])) is not None:
        return (balance,)
    commands: list[Command] = []
    for line in lines:
        command = _answer(line)
        if command is not None:
            commands.append(command)
        elif commands:
            commands[-1] = replace(commands[-1], about=f"{commands[-1].about}\n{line}".strip())
    return tuple(commands)


def named_in(about: str, known: Iterable[str]) -> tuple[list[str], str]:
    """The numbers among ``known`` that ``about`` begins with, and the text after them.

    Case, spacing and surrounding punctuation don't matter. Of numbers that differ in nothing else only
    one written exactly counts.
    """
    by_key: dict[str, list[str]] = {}
    for number in known:
        by_key.setdefault(_key(number), []).append(number)
    found: list[str] = []
    while (first := _first_number(about, by_key)) is not None:
        number, end = first
        found.append(number)
        about = about[end:].lstrip(_BETWEEN)
    return found, about.strip()


def names_something(about: str) -> bool:
    """Whether the text begins with what looks like a number, not with words."""
    first = _TOKEN.search(about)
    return first is not None and any(character.isdigit() for character in first[0])


def is_clear(rest: str) -> bool:
    """Whether what follows a number leaves the answer as it is: neither a question mark nor one more answer."""
    if rest.startswith("?"):
        return False
    return not any(
        word[0].casefold() in ANSWER_WORDS and (after := _AFTER_A_WORD.match(rest, word.end())) and _has_digit(after[1])
        for word in _WORD.finditer(rest)
    )


def reason_of(rest: str) -> str | None:
    """The reason as the contract takes it: at most 500 characters, None for nothing."""
    return rest.strip()[:REASON_LENGTH].strip() or None


def _clean(text: str) -> str:
    """Letters in their usual form (full-width ones too), one kind of line break, no control characters."""
    text = unicodedata.normalize("NFKC", "\n".join(text.splitlines()))[:TEXT_LENGTH]
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs", "Zl", "Zp"})


def _words(text: str) -> list[str]:
    words = re.findall(f"(?:{_LETTER}|\\d)+", text)
    return [word for word in map(_folded, words) if word not in POLITE_WORDS]


def _balance_of(line: str) -> Command | None:
    """``BALANCE RET001``: for a phone with several shops."""
    tokens = line.split()
    is_balance = len(tokens) == _SHOP_ORDER and PHRASES.get(_key(tokens[0])) is Kind.BALANCE
    return Command(Kind.BALANCE, tokens[1]) if is_balance else None


def _answer(line: str) -> Command | None:
    """``ACCEPT ORD2611000001``, ``To accept: ACCEPT …``, ``ORD2611000001 accept``."""
    tokens = line.split()
    if len(tokens) == _SHOP_ORDER and _has_digit(tokens[0]) and (kind := ANSWER_WORDS.get(_key(tokens[1]))):
        return Command(kind, tokens[0])
    word = _NEXT_WORD.match(line)
    if word is not None and _folded(word[1]) == "to":
        word = _NEXT_WORD.match(line, word.end())
    if word is None or (kind := ANSWER_WORDS.get(_folded(word[1]))) is None:
        return None
    end = word.end()
    while (word := _NEXT_WORD.match(line, end)) is not None and _is_passed_over(word, kind):
        end = word.end()
    about = line[end:].lstrip(_BETWEEN + _EDGES)
    if about.startswith("?"):
        return Command(Kind.UNCLEAR)
    return Command(kind, about if any(map(str.isalnum, about)) else "")


def _is_passed_over(word: re.Match[str], kind: Kind) -> bool:
    """Whether a word may stand between an answer and its number: a filler, or the answer once more."""
    follows = word.string[word.end() : word.end() + 1]
    folded = _folded(word[1])
    return follows not in _IN_A_NUMBER and (folded in FILLERS or ANSWER_WORDS.get(folded) is kind)


def _first_number(text: str, by_key: dict[str, list[str]]) -> tuple[str, int] | None:
    """The longest number that the text begins with, and where it ends."""
    found = None
    for count, token in enumerate(_TOKEN.finditer(text), 1):
        if count > NUMBER_TOKENS:
            break
        numbers = by_key.get(_key(text[: token.end()]), [])
        written = text[: token.end()].strip(_BETWEEN + _EDGES)
        exact = numbers if len(numbers) == 1 else [number for number in numbers if number == written]
        if exact:
            found = (exact[0], token.end())
    return found


def _key(text: str) -> str:
    """What is compared of a number: folded tokens without what stands around them, and without ``order no.``."""
    tokens = [token.strip(_EDGES) for token in _TOKEN.findall(_folded(unicodedata.normalize("NFKC", text)))]
    tokens = [token for token in tokens if token]
    while len(tokens) > 1 and tokens[0] in FILLERS:
        del tokens[0]
    return " ".join(tokens)


def _folded(text: str) -> str:
    return text.casefold().translate(_INVISIBLE)


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)
