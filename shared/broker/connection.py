"""Redis connections and scripts, with the engine's error rules.

Nothing here retries by itself: a script whose reply was lost may have run, and only the
caller knows what a repetition means.
"""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any

import redis
from hiredis import pack_command

from shared.broker import keys
from shared.broker.clients import connect, connect_from, pool_of
from shared.broker.cluster import MOST_MOVES, ClusterClient
from shared.errors import NotReplicated, QueueFull, RedisUnavailable

__all__ = ["UNREACHABLE", "Argument", "Confirmation", "ScriptLine", "Scripts", "connect", "connect_from"]

MOST_IDLE_LINES = 32

# Scripts that must go on when Redis is at its memory limit: they finish work and free memory.
_REFUSED_WHEN_FULL = frozenset({"enqueue", "restore"})

# What a script needs beyond lib.lua; each part costs every call its share.
_RUNNABLE, _ENDING, _BREAKING = ("groups",), ("groups", "finishing"), ("breaking",)
_NEEDS = {
    "advance": (*_ENDING, *_BREAKING),
    "cancel": _ENDING,
    "release": _ENDING,
    "sweep": _ENDING,
    "enqueue": _RUNNABLE,
    "pause": _BREAKING,
    "promote": _RUNNABLE,
    "reconcile": _RUNNABLE,
    "remove": _RUNNABLE,
    "restore": _RUNNABLE,
    "retry": _RUNNABLE,
}

Argument = str | bytes | int | float

# What a producer or an operator is told has happened: if replicas are waited for, it must have happened there as well.
_CONFIRMED = frozenset({"absorb", "cancel", "clean", "enqueue", "limits", "pause", "promote", "retry"})

# Nothing was done, and it will be once that is put right: a master misses its replicas; or the login is missing, which
# a client with many arguments is told so.
_AWAY = ("NOREPLICAS", "Protocol error: unauthenticated")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How many replicas must have a change within how long before it counts as made."""

    replicas: int
    timeout_ms: int


@cache
def _source(name: str, extras: tuple[str, ...]) -> tuple[str, str]:
    folder = files("shared.broker") / "scripts"
    flags = "" if name in _REFUSED_WHEN_FULL else " flags=allow-oom"
    parts = ("lib", *extras, *_NEEDS.get(name, ()), name)
    text = f"#!lua{flags}\n" + "".join((folder / f"{part}.lua").read_text() for part in parts)
    return text, sha1(text.encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """Runs the engine's scripts by their hash, loading them where Redis forgot them."""

    def __init__(self, client: redis.Redis, confirmation: Confirmation | None = None) -> None:
        self._client = client
        self._confirmation = confirmation
        # Asked once: to tell the class of a redis-py client takes microseconds.
        self._only_pool = None if isinstance(client, ClusterClient) else client.connection_pool
        self._process = os.getpid()
        self._idle: defaultdict[int, deque[ScriptLine]] = defaultdict(deque)

    @property
    def client(self) -> redis.Redis:
        """The client that the scripts run on."""
        return self._client

    def run(self, name: str, queue_name: str, arguments: Sequence[Argument] = ()) -> Any:
        """Run a script on one queue and return its reply.

        Raises ``RedisUnavailable`` when Redis can't be reached (the script may have run), ``NotReplicated`` when too
        few replicas confirmed it (it has run) and ``QueueFull`` when Redis refuses to store more.
        """
        return self.run_on_key(name, keys.meta(queue_name), arguments)

    def run_on_key(self, name: str, key: str, arguments: Sequence[Argument] = ()) -> Any:
        """The same on an explicit key, which must end in ``:meta``."""
        line = self._take_line(key)
        try:
            line.send(name, key, arguments)
            reply = line.receive()
        except NotReplicated:
            self._put_back(line)
            raise
        except redis.exceptions.OutOfMemoryError as error:
            self._put_back(line)
            raise QueueFull("Redis is at its memory limit; nothing was enqueued") from error
        except BaseException:
            # Also an interrupted job comes here: a reply may still be under way on this connection.
            line.drop()
            raise
        self._put_back(line)
        return reply

    def _put_back(self, line: ScriptLine) -> None:
        idle = self._idle[id(line.pool)]
        if len(idle) < MOST_IDLE_LINES:
            idle.append(line)
        else:
            line.drop()

    def _take_line(self, key: str) -> ScriptLine:
        if self._process != os.getpid():
            # A fork must not share its parent's connections.
            self._process = os.getpid()
            self._idle = defaultdict(deque)
        try:
            line = self._idle[id(self._only_pool or pool_of(self._client, key))].pop()
        except IndexError:
            return ScriptLine(self._client, key, self._confirmation)
        if line.is_stale():
            line.drop()
        return line


class ScriptLine:
    """Runs scripts over a connection of its own, in two halves: ``send``, then ``receive``.

    All its calls go to the server that holds ``key``. The caller may do other work while Redis runs the script. It
    speaks to the connection directly: redis-py's client and pool spend more on a call than the call itself. Not
    thread-safe: one call at a time.
    """

    def __init__(self, client: redis.Redis, key: str, confirmation: Confirmation | None = None) -> None:
        self.pool: Any = pool_of(client, key)
        self._confirmation = confirmation
        self._guard = ("guard",) if isinstance(client, ClusterClient) else ()
        self._connection: Any = None
        self._name = ""
        self._extras: tuple[str, ...] = ()
        self._sent: tuple[Argument, ...] = ()

    def send(self, name: str, key: str, arguments: Sequence[Argument]) -> None:
        """Send the call. Raises ``RedisUnavailable``; the script may then have run all the same."""
        self._name, self._extras = name, self._guard
        if self._confirmation is not None and name in _CONFIRMED:
            self._extras = (*self._guard, "confirmed")
        self._sent = ("EVALSHA", _source(name, self._extras)[1], 1, key, *arguments)
        try:
            if self._connection is None:
                self._connection = self.pool.get_connection()
            self._write(self._sent)
        except UNREACHABLE as error:
            raise self._broken(error) from error

    def receive(self) -> Any:
        """The reply of the call that was sent, once the replicas have it if they are waited for.

        Raises ``RedisUnavailable``, ``NotReplicated`` or redis-py's errors.
        """
        try:
            reply = self._reply()
            if self._confirmation is not None and self._name in _CONFIRMED:
                self._await(self._confirmation)
        except UNREACHABLE as error:
            raise self._broken(error) from error
        except redis.exceptions.ResponseError as error:
            if str(error).startswith(_AWAY):
                raise self._broken(error) from error
            raise
        return reply

    def _await(self, wanted: Confirmation) -> None:
        self._write(("WAIT", wanted.replicas, wanted.timeout_ms))
        reached = self._connection.read_response()
        if reached < wanted.replicas:
            raise NotReplicated(f"{reached} of {wanted.replicas} replicas confirmed it within {wanted.timeout_ms} ms")

    def _reply(self) -> Any:
        for _ in range(MOST_MOVES):
            try:
                return self._connection.read_response()
            except redis.exceptions.NoScriptError:
                self._write(("EVAL", _source(self._name, self._extras)[0], *self._sent[2:]))
            except redis.exceptions.MovedError:
                # Refused before it ran: the new connection goes to the server that the slot is at now.
                self._connection.disconnect()
                self._write(self._sent)
        return self._connection.read_response()

    def is_stale(self) -> bool:
        """Whether the server closed the connection, or wrote to it, while nobody used it."""
        if self._connection is None:
            return False
        try:
            return bool(self._connection.can_read(timeout=0))
        except UNREACHABLE:
            return True

    def drop(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.disconnect()
            self.pool.release(self._connection)
            self._connection = None

    def _write(self, command: tuple[Argument, ...]) -> None:
        packed = pack_command(command)  # type: ignore[arg-type]  # its types allow one argument only
        self._connection.send_packed_command([packed])

    def _broken(self, error: Exception) -> RedisUnavailable:
        # A reply may still be under way: this connection must never be read again.
        self.drop()
        return RedisUnavailable(f"Redis can't be reached: {type(error).__name__}")


# A loading, read-only or busy Redis comes back by itself, like one that is away.
UNREACHABLE: tuple[type[Exception], ...] = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.AskError,
    redis.exceptions.TryAgainError,
    redis.exceptions.MasterDownError,
    OSError,
)
