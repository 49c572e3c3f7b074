"""A client of a Redis Cluster. All keys of a queue share a hash tag, so each queue has one server at a time.

Each tag gets a plain client, whose connections go wherever the tag's slot is. So single commands, transactions,
blocking reads and scripts work as on one server, and nothing is sent twice behind the engine's back: only a command
that was refused with MOVED goes to the server that it named.
"""

from __future__ import annotations

import threading
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.connection import ConnectionPool
from redis.crc import key_slot
from redis.exceptions import MovedError, RedisError
from redis.retry import Retry
from typing_extensions import override

from shared.broker.locating import ClusterMap, LocatedConnection, LocatedTlsConnection, SlotPlace

MOST_MOVES = 3
"""How often a refused command follows its slot; the map of a node may be a moment behind."""

_TAGGED = "doko:{"
_HOME = "schedules"


class ClusterClient(redis.Redis):
    """Sends each command to the server of its key's hash tag.

    A command without a key goes to the server of the schedules, whose clock they use.
    """

    def __init__(self, cluster: ClusterMap, options: dict[str, Any], *, tls: bool) -> None:
        self._cluster = cluster
        self._options = {**options, "retry": Retry(NoBackoff(), MOST_MOVES, (MovedError,))}
        self._connection_class = LocatedTlsConnection if tls else LocatedConnection
        self._lock_of_tags = threading.Lock()
        self._clients: dict[str, redis.Redis] = {}
        super().__init__(connection_pool=self.of_tag(_HOME).connection_pool)

    def of_tag(self, tag: str) -> redis.Redis:
        """The client of the server that holds the keys with this hash tag."""
        with self._lock_of_tags:
            client = self._clients.get(tag)
            if client is None:
                place = SlotPlace(self._cluster, key_slot(tag.encode()))
                pool = ConnectionPool(connection_class=self._connection_class, place=place, **self._options)
                client = self._clients[tag] = redis.Redis.from_pool(pool)
            return client

    def of_key(self, key: str) -> redis.Redis:
        """The client of the server that holds this key."""
        return self.of_tag(_tag_of(key) or _HOME)

    def masters(self) -> list[redis.Redis]:
        """A client for each master, for questions to servers instead of keys; the caller closes them."""
        addresses = dict.fromkeys(self._cluster.masters().values())
        return [self._cluster.client_of(address) for address in addresses]

    @override
    def ping(self, **options: Any) -> bool:
        """Whether any master answers: the others' queues then work. Raises redis-py's ConnectionError."""
        error: Exception = redis.exceptions.ConnectionError("the cluster has no master")
        for master in self.masters():
            with master:
                try:
                    return bool(master.ping(**options))
                except redis.exceptions.RedisError as failure:
                    error = failure
        raise error

    @override
    def execute_command(self, *args: Any, **options: Any) -> Any:
        return self.of_tag(_tag_in(args) or _HOME).execute_command(*args, **options)  # type: ignore[no-untyped-call]

    @override
    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> SlotPipeline:
        return SlotPipeline(self, transaction=transaction)

    @override
    def close(self) -> None:
        with self._lock_of_tags:
            clients = list(self._clients.values())
        for client in clients:
            client.close()


class SlotPipeline(Pipeline):
    """A pipeline that goes to the server of its keys; one that spans queues goes to each of their servers in turn.

    After MOVED its commands are sent again, so they must be safe to repeat.
    """

    def __init__(self, client: ClusterClient, *, transaction: bool) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, None)
        self._client = client
        self._is_transaction = transaction
        self._tags: list[str | None] = []

    @override
    def execute_command(self, *args: Any, **options: Any) -> Any:
        tag = _tag_in(args)
        if tag is not None and self.connection is None and not any(self._tags):
            self.connection_pool = self._client.of_tag(tag).connection_pool
        self._tags.append(tag)
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    @override
    def execute(self, raise_on_error: bool = True) -> list[Any]:
        tags = dict.fromkeys(filter(None, self._tags))
        if len(tags) <= 1:
            return super().execute(raise_on_error)
        if self._is_transaction:
            self.reset()
            raise RedisError(f"a transaction touches one queue, not {', '.join(tags)}")
        commands, places = list(self.command_stack), self._places()
        self.reset()
        replies: list[Any] = [None] * len(commands)
        for tag in tags:
            indexes = [index for index, place in enumerate(places) if place == tag]
            part = self._client.of_tag(tag).pipeline(transaction=False)
            part.command_stack = [commands[index] for index in indexes]
            for index, reply in zip(indexes, part.execute(raise_on_error), strict=True):
                replies[index] = reply
        return replies

    def _places(self) -> list[str]:
        """Where each command goes; one without a key, such as TIME, goes with the next that has one, else the last."""
        place = next(filter(None, reversed(self._tags)))
        places = []
        for tag in reversed(self._tags):
            place = tag or place
            places.append(place)
        return places[::-1]

    @override
    def reset(self) -> None:  # type: ignore[override]  # as in redis-py's own pipeline
        super().reset()
        self._tags = []


def _tag_in(command: tuple[Any, ...]) -> str | None:
    """The hash tag of a command's first key; keys come before any value that could look like one."""
    for argument in command[1:]:
        text = argument.decode(errors="replace") if isinstance(argument, bytes) else argument
        if isinstance(text, str) and (tag := _tag_of(text)):
            return tag
    return None


def _tag_of(key: str) -> str | None:
    return key[len(_TAGGED) :].partition("}")[0] if key.startswith(_TAGGED) else None
