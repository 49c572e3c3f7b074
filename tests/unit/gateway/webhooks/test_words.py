"""The README tells people exactly the words that the code knows."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.webhooks.words import ANSWERS, WHOLE_MESSAGES

README = Path("services/whatsapp/README.md")


def test_the_readme_lists_every_word_and_no_other() -> None:
    rows = re.findall(r"^\| ([A-Z]+) \| ((?:`[^`]+`(?:, )?)+) \|", README.read_text(), re.MULTILINE)
    listed = {kind: tuple(re.findall(r"`([^`]+)`", words)) for kind, words in rows}

    assert listed == {kind.value: words for kind, words in (ANSWERS | WHOLE_MESSAGES).items()}
