"""A queue as a command takes it: by its key or its folder, in any case."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click
from click.shell_completion import CompletionItem
from typing_extensions import override

from shared.queues import POLICIES

_KEYS = {policy.folder: queue.name for queue, policy in POLICIES.items()}


class QueueName(click.ParamType[str]):
    """``whatsapp`` or ``WHATSAPP``, ``credit`` or ``CREDIT_SCORE``."""

    name = "queue"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The queue's key; the nearest name in the error."""
        wanted = str(value).replace("-", "_")
        if wanted.upper() in _KEYS.values():
            return wanted.upper()
        if wanted.lower() in _KEYS:
            return _KEYS[wanted.lower()]
        nearest = get_close_matches(wanted.lower(), _KEYS, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise click.BadParameter(f"no queue is called {value!r}{hint} (known: {', '.join(_KEYS)})", ctx, param)

    @override
    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The folders that begin like that."""
        return [CompletionItem(folder) for folder in _KEYS if folder.startswith(incomplete.lower())]


QUEUE = QueueName()
