"""Nepali names in Latin letters, as their bearers usually write them: श्रेष्ठ is Shrestha, महेश Mahesh."""

from __future__ import annotations

_CONSONANTS = (
    {"क": "k", "ख": "kh", "ग": "g", "घ": "gh", "ङ": "ng", "च": "ch", "छ": "chh", "ज": "j", "झ": "jh", "ञ": "n"}
    | {"ट": "t", "ठ": "th", "ड": "d", "ढ": "dh", "ण": "n", "त": "t", "थ": "th", "द": "d", "ध": "dh", "न": "n"}
    | {"प": "p", "फ": "ph", "ब": "b", "भ": "bh", "म": "m", "य": "y", "र": "r", "ल": "l", "व": "v"}
    | {"श": "sh", "ष": "sh", "स": "s", "ह": "h"}
)
_VOWELS = {
    "अ": "a",
    "आ": "a",
    "इ": "i",
    "ई": "i",
    "उ": "u",
    "ऊ": "u",
    "ऋ": "ri",
    "ए": "e",
    "ऐ": "ai",
    "ओ": "o",
    "औ": "au",
}
_SIGNS = {"ा": "a", "ि": "i", "ी": "i", "ु": "u", "ू": "u", "ृ": "ri", "े": "e", "ै": "ai", "ो": "o", "ौ": "au"}
_NASALS = "ंँ"
_VIRAMA = "्"
_LABIALS = "पफबभम"
_AS_WRITTEN = {
    "सिंह": "Singh",
    "राजकर्णिकार": "Rajkarnikar",
    "के.सी.": "K.C.",
    "के.सी": "K.C.",
    "क्षेत्री": "Chhetri",
}
# Sounds that two letters make together.
_JOINED = {"ज्ञ": "ग्य", "ङ्ग": "ङ", "ष्ठ": "स्ठ", "वाल": "wआल"}


def romanise(word: str) -> str:
    """One word of Devanagari in Latin letters, capitalised; what is no Devanagari stays as it is."""
    if word in _AS_WRITTEN:
        return _AS_WRITTEN[word]
    for letters, sound in _JOINED.items():
        word = word.replace(letters, sound)
    sounds = [_sound(word, index) for index in range(len(word))]
    return "".join(sounds).capitalize()


def _sound(word: str, index: int) -> str:
    letter = word[index]
    following = word[index + 1 : index + 2]
    if letter in _CONSONANTS:
        silent = following == _VIRAMA or following in _SIGNS or (not following and not _is_conjunct(word, index))
        return _CONSONANTS[letter] + ("" if silent else "a")
    if letter in _NASALS:
        return "m" if following and following in _LABIALS else "n"
    return _VOWELS.get(letter) or _SIGNS.get(letter) or ("" if letter == _VIRAMA else letter)


def _is_conjunct(word: str, index: int) -> bool:
    """A last consonant keeps its "a" only when another one is joined to it."""
    return word[index - 1 : index] == _VIRAMA
