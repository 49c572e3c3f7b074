from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from services.whatsapp.formats import day, many_lines, one_line, quantity, shorten
from shared.messages.whatsapp import Language


def test_a_date_is_written_in_the_words_of_the_language() -> None:
    assert day(date(2026, 12, 1), Language.ENGLISH) == "1 Dec 2026"
    assert day(date(2026, 12, 1), Language.NEPALI) == "1 डिसेम्बर 2026"


@pytest.mark.parametrize(("value", "text"), [("10", "10"), ("10.00", "10"), ("2.50", "2.5"), ("1E+2", "100")])
def test_a_quantity_has_no_trailing_zeros_and_no_exponent(value: str, text: str) -> None:
    assert quantity(Decimal(value)) == text


def test_a_template_parameter_holds_no_line_break_tab_or_row_of_spaces() -> None:
    assert one_line(" a\nb\tc      d\r\ne\x07\u2028f ") == "a b c d e f"


def test_a_text_keeps_its_lines_and_loses_control_characters() -> None:
    assert many_lines(" a\r\nb\x00\x1b[31m\n ") == "a\nb[31m"


def test_a_text_that_is_too_long_ends_with_an_ellipsis_within_the_limit() -> None:
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdefg", 6) == "abcde…"
    assert shorten("abc", 0) == ""
