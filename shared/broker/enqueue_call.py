"""One call of ``enqueue.lua``: its arguments, its answers, and the errors that it has words for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dramatiq.message import Message

from shared.broker.config import EngineConfig
from shared.broker.connection import Argument, Scripts
from shared.broker.grouping import GroupKeys
from shared.broker.options import ClientLimit, Enqueued
from shared.broker.packing import answer_of, arguments_of, flow_argument
from shared.errors import ClientLimitExceeded, IdempotencyConflict, QueueFull
from shared.subjects import index_entry


class EnqueueCall:
    """Enqueues messages of one queue, up to 1,000 at once; shared by all threads of a producer."""

    def __init__(self, scripts: Scripts, config: EngineConfig) -> None:
        self._scripts = scripts
        self._config = config
        self._group_keys = GroupKeys()

    def run(
        self,
        queue: Any,
        messages: Sequence[Message[Any]],
        idempotency: Sequence[tuple[str, str]],
        client: ClientLimit | None,
    ) -> list[Enqueued]:
        """The answers in the messages' order.

        Raises ``ClientLimitExceeded``, ``IdempotencyConflict``, ``QueueFull`` or ``RedisUnavailable``.
        """
        name = messages[0].queue_name
        reply = self._scripts.run("enqueue", name, self._arguments(name, messages, idempotency, client))
        while reply[0] == b"GROUP_KEY":
            # An operator has set another group key since: nothing was enqueued yet.
            self._group_keys.learn(name, reply[1].decode())
            reply = self._scripts.run("enqueue", name, self._arguments(name, messages, idempotency, client))
        if client is not None and reply[0] == b"LIMIT":
            raise ClientLimitExceeded(
                f"more than {client.limit} jobs in {client.window_ms // 1000} s", retry_after_ms=reply[1]
            )
        if reply[0] == b"CONFLICT":
            raise IdempotencyConflict("this Idempotency-Key came with another body before; use a new key")
        if reply[0] == b"FULL":
            raise QueueFull(f"{reply[1]} events wait for the archive; is the scheduler running?")
        return [answer_of(queue, *reply[i : i + 3]) for i in range(1, len(reply), 3)]

    def _arguments(
        self,
        name: str,
        messages: Sequence[Message[Any]],
        idempotency: Sequence[tuple[str, str]],
        client: ClientLimit | None,
    ) -> list[Argument]:
        group_key = self._group_keys.key(name, self._config.policy(name).group_key)
        arguments: list[Argument] = ["", 0, 0] if client is None else [client.client, client.limit, client.window_ms]
        arguments += (self._config.events_max, len(messages))
        for message, (key, body_hash) in zip(messages, idempotency, strict=True):
            arguments += arguments_of(message, group_key)
            arguments += (key, body_hash, index_entry(message.actor_name, message.kwargs), flow_argument(message))
        arguments.append(self._group_keys.word(name))
        return arguments
