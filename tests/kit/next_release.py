"""The release after this one, as far as a roll-out sees it: it writes messages of the next version and reads both.

``next_release:start`` is its WhatsApp worker, ``next_release_gateway:app`` its gateway.
"""

from __future__ import annotations

from typing import Any

from shared.messages.whatsapp import SendMessage

THIS = SendMessage.VERSION
NEXT = THIS + 1


def become_next() -> None:
    """From now on this process is of the next release."""
    SendMessage.VERSION = NEXT
    SendMessage.UPGRADES = {**SendMessage.UPGRADES, THIS: _unchanged}


def start() -> None:
    """Wire the next release's WhatsApp worker."""
    from services.whatsapp import worker  # noqa: PLC0415 - only a worker's process has the service

    become_next()
    worker.start()


def _unchanged(payload: dict[str, Any]) -> dict[str, Any]:
    return payload
