"""A queue as a command takes it: by its key or its folder, in any case."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click
from click.shell_completion import CompletionItem
from typing_extensions import override

from shared.queues import POLICIES, Queue

_QUEUES = {policy.folder: queue for queue, policy in POLICIES.items()}


def queue_named(name: str) -> Queue:
    """``whatsapp`` or ``WHATSAPP``, ``credit`` or ``CREDIT_SCORE``. ClickException that names the nearest."""
    found = _QUEUES.get(name.lower()) or Queue.__members__.get(name.upper())
    if found is None:
        nearest = get_close_matches(name.lower(), _QUEUES, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise click.ClickException(f"No queue is called {name!r}{hint} (known: {', '.join(_QUEUES)})")
    return found


class QueueName(click.ParamType[str]):
    """The key of a queue, as the API has it in its paths."""

    name = "queue"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The queue's key; the nearest name in the error."""
        try:
            return queue_named(str(value)).name
        except click.ClickException as error:
            raise click.BadParameter(error.message, ctx, param) from error

    @override
    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The folders that begin like that."""
        return [CompletionItem(folder) for folder in _QUEUES if folder.startswith(incomplete.lower())]


QUEUE = QueueName()
