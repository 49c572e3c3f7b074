"""Nepali names in both scripts."""

from __future__ import annotations

import sys

import pytest

from gateway.demo.names import Names
from gateway.demo.romanising import romanise
from shared.errors import ConfigurationError


@pytest.mark.parametrize(
    ("nepali", "latin"),
    [
        ("श्रेष्ठ", "Shrestha"),
        ("महेश", "Mahesh"),
        ("गुरुङ्ग", "Gurung"),
        ("सिंह", "Singh"),
        ("अग्रवाल", "Agrawal"),
        ("भट्टराई", "Bhattarai"),
        ("राजेन्द्र", "Rajendra"),
        ("पंकज", "Pankaj"),
        ("ज्ञवाली", "Gyawali"),
        ("इन्दिरा", "Indira"),
    ],
)
def test_names_are_written_as_their_bearers_do(nepali: str, latin: str) -> None:
    assert romanise(nepali) == latin


def test_a_persons_name_is_the_same_in_both_scripts() -> None:
    names = Names("1")

    for person in (names.person() for _ in range(500)):
        first, last = person.nepali.split(" ")
        assert person.latin == f"{romanise(first)} {romanise(last)}"
        assert person.latin.isascii()
        assert person.latin.replace(" ", "").isalpha()


def test_without_faker_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faker", None)

    with pytest.raises(ConfigurationError, match=r"install the extra `demo`"):
        Names("1")
