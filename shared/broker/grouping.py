"""Which group a job belongs to: the value of the queue's group key in its data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from shared.broker.options import LONGEST_GROUP

_PREFIX = "="


def group_of(data: Mapping[str, object], key: str | None) -> str:
    """The text or whole number at ``key``, a dotted path such as ``orderData.retailerId``; '' if there is none.

    A very long text is cut and told apart by its hash.
    """
    if not key:
        return ""
    value: object = data
    for step in key.split("."):
        if not isinstance(value, Mapping):
            return ""
        value = value.get(step)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value)
    if len(text) <= LONGEST_GROUP:
        return text
    return f"{text[: LONGEST_GROUP // 2]}…{hashlib.sha256(text.encode()).hexdigest()[:16]}"


class GroupKeys:
    """The group keys that a producer uses: each queue's own, or what an operator has set since.

    Nobody tells a producer of a change: it says which key it used, and a script that knows better answers with that.
    """

    def __init__(self) -> None:
        self._set: dict[str, str] = {}

    def key(self, queue_name: str, default: str | None) -> str | None:
        """The key to use; None for a queue whose jobs have no group."""
        word = self._set.get(queue_name, "")
        return word.removeprefix(_PREFIX) or None if word else default

    def word(self, queue_name: str) -> str:
        """What the script is told of the key: '' for the queue's own, else ``=`` and the one that an operator set."""
        return self._set.get(queue_name, "")

    def learn(self, queue_name: str, word: str) -> None:
        """What the script answered."""
        self._set[queue_name] = word
