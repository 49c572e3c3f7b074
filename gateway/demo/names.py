"""Made-up names of people, shops and wholesalers; the people's come from Faker."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from gateway.demo.romanising import romanise
from shared.errors import ConfigurationError
from shared.messages.whatsapp import Language

if TYPE_CHECKING:
    from faker import Faker

_JOINERS = str.maketrans("", "", "\u200c\u200d")
"""Invisible characters that only choose how letters are drawn."""

_NO_NAMES = {"मुसलमान", "मुस्लीम", "सी", "सिह", "सिहं", "एक"}
"""Words in Faker's lists that are none, or misspelt; it holds titles and remarks in brackets too."""

_DEITIES = (
    ("Shree Ganesh", "श्री गणेश"),
    ("Shree Pashupati", "श्री पशुपति"),
    ("Shree Krishna", "श्री कृष्ण"),
    ("Jay Manakamana", "जय मनकामना"),
    ("Jay Durga", "जय दुर्गा"),
    ("Shree Laxmi", "श्री लक्ष्मी"),
    ("Shree Saraswati", "श्री सरस्वती"),
    ("Bajrayogini", "बज्रयोगिनी"),
    ("Annapurna", "अन्नपूर्ण"),
    ("Machhapuchhre", "माछापुच्छ्रे"),
    ("Sagarmatha", "सगरमाथा"),
    ("Himalaya", "हिमालय"),
    ("Namaste", "नमस्ते"),
    ("Everest", "एभरेस्ट"),
    ("Buddha", "बुद्ध"),
    ("Lumbini", "लुम्बिनी"),
    ("Naya Bazaar", "नयाँ बजार"),
    ("Shubhakamana", "शुभकामना"),
    ("Mechi", "मेची"),
    ("Koshi", "कोशी"),
)
_SHOPS = (
    ("Kirana Pasal", "किराना पसल"),
    ("General Store", "जनरल स्टोर"),
    ("Khadya Bhandar", "खाद्य भण्डार"),
    ("Mini Mart", "मिनी मार्ट"),
    ("Kirana Stores", "किराना स्टोर्स"),
    ("Dainik Bhandar", "दैनिक भण्डार"),
)
_WHOLESALES = ("Traders", "Suppliers", "Wholesale Bhandar", "Enterprises", "Trade Link", "Distributors", "Khadya Udyog")


@dataclass(frozen=True, slots=True)
class Name:
    """A name in Latin letters and in Devanagari."""

    latin: str
    nepali: str

    def in_language(self, language: Language) -> str:
        """The name as somebody writes it whose language this is."""
        return self.nepali if language is Language.NEPALI else self.latin


class Names:
    """A source of names that gives the same ones for the same seed; ConfigurationError without Faker."""

    def __init__(self, seed: str) -> None:
        self._faker = _nepali_faker()
        self._faker.seed_instance(seed)
        self._random = Random(seed)  # noqa: S311 - made-up data, no secret

    def person(self) -> Name:
        """First name and family name."""
        words = [self._word(first=True), self._word(first=False)]
        return Name(" ".join(map(romanise, words)), " ".join(words))

    def shop(self) -> Name:
        """Such as Shree Ganesh Kirana Pasal; one in four is called after its family."""
        kind = self._random.choice(_SHOPS)
        if self._random.random() < 0.25:  # noqa: PLR2004 - see above
            family = self._word(first=False)
            owner = Name(romanise(family), family)
        else:
            owner = Name(*self._random.choice(_DEITIES))
        return Name(f"{owner.latin} {kind[0]}", f"{owner.nepali} {kind[1]}")

    def wholesaler(self) -> str:
        """Such as Sagarmatha Traders or Agrawal Suppliers, in Latin letters."""
        kind = self._random.choice(_WHOLESALES)
        owner = romanise(self._word(first=False)) if self._random.random() < 0.5 else None  # noqa: PLR2004 - half of them
        return f"{owner or self._random.choice(_DEITIES)[0]} {kind}"

    def _word(self, *, first: bool) -> str:
        while True:
            given = self._faker.first_name() if first else self._faker.last_name()
            word = str(given).translate(_JOINERS)
            if word not in _NO_NAMES and not set(word) & set(" ().-"):
                return word


def _nepali_faker() -> Faker:
    try:
        from faker import Faker  # noqa: PLC0415 - only the demo needs it, and images lack it
    except ImportError as error:
        raise ConfigurationError(
            "demo data needs Faker: install the extra `demo` (pip install 'doko[demo]')"
        ) from error
    return Faker("ne_NP")
