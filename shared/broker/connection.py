"""Redis connections and scripts, with the engine's error rules.

Nothing here retries by itself: a script whose reply was lost may have run, and only the
caller knows what a repetition means.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import redis
from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.broker import keys
from shared.errors import QueueFull, RedisUnavailable

if TYPE_CHECKING:
    from shared.settings import Settings

CONNECT_TIMEOUT_S = 5.0
SOCKET_TIMEOUT_S = 10.0
MOST_IDLE_LINES = 32

# Scripts that must go on when Redis is at its memory limit: they finish work and free memory.
_REFUSED_WHEN_FULL = frozenset({"enqueue"})

# What a script needs beyond lib.lua; each part costs every call its share.
_RUNNABLE, _ENDING, _BREAKING = ("groups",), ("groups", "finishing"), ("breaking",)
_NEEDS = {
    "advance": (*_ENDING, *_BREAKING),
    "cancel": _ENDING,
    "sweep": _ENDING,
    "enqueue": _RUNNABLE,
    "pause": _BREAKING,
    "promote": _RUNNABLE,
    "reconcile": _RUNNABLE,
    "retry": _RUNNABLE,
}

Argument = str | bytes | int | float


def connect(url: str, *, socket_timeout_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
    """A Redis client with short timeouts, no retries of its own and bytes as replies."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=socket_timeout_s,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def connect_from(settings: Settings) -> redis.Redis:
    """The client that the settings describe."""
    return connect(settings.redis_url)


@cache
def _source(name: str) -> tuple[str, str]:
    folder = files("shared.broker") / "scripts"
    flags = "" if name in _REFUSED_WHEN_FULL else " flags=allow-oom"
    parts = ("lib", *_NEEDS.get(name, ()), name)
    text = f"#!lua{flags}\n" + "".join((folder / f"{part}.lua").read_text() for part in parts)
    return text, sha1(text.encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """Runs the engine's scripts by their hash, loading them where Redis forgot them."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._process = os.getpid()
        self._idle: deque[ScriptLine] = deque()

    @property
    def client(self) -> redis.Redis:
        """The client that the scripts run on."""
        return self._client

    def run(self, name: str, queue_name: str, arguments: Sequence[Argument] = ()) -> Any:
        """Run a script on one queue and return its reply.

        Raises ``RedisUnavailable`` when Redis can't be reached (the script may have run) and
        ``QueueFull`` when Redis refuses to store more.
        """
        return self.run_on_key(name, keys.meta(queue_name), arguments)

    def run_on_key(self, name: str, key: str, arguments: Sequence[Argument] = ()) -> Any:
        """The same on an explicit key, which must end in ``:meta``."""
        line = self._take_line()
        try:
            line.send(name, key, arguments)
            reply = line.receive()
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
        if len(self._idle) < MOST_IDLE_LINES:
            self._idle.append(line)
        else:
            line.drop()

    def _take_line(self) -> ScriptLine:
        if self._process != os.getpid():
            # A fork must not share its parent's connections.
            self._process, self._idle = os.getpid(), deque()
        try:
            line = self._idle.pop()
        except IndexError:
            return ScriptLine(self._client)
        if line.is_stale():
            line.drop()
        return line


class ScriptLine:
    """Runs scripts over a connection of its own, in two halves: ``send``, then ``receive``.

    The caller may do other work while Redis runs the script. It speaks to the connection directly: redis-py's
    client and pool spend more on a call than the call itself. Not thread-safe: one call at a time.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._pool: Any = client.connection_pool
        self._connection: Any = None
        self._name = ""
        self._sent: tuple[Argument, ...] = ()

    def send(self, name: str, key: str, arguments: Sequence[Argument]) -> None:
        """Send the call. Raises ``RedisUnavailable``; the script may then have run all the same."""
        self._name = name
        self._sent = ("EVALSHA", _source(name)[1], 1, key, *arguments)
        try:
            if self._connection is None:
                self._connection = self._pool.get_connection()
            self._write(self._sent)
        except UNREACHABLE as error:
            raise self._broken(error) from error

    def receive(self) -> Any:
        """The reply of the call that was sent. Raises ``RedisUnavailable`` or redis-py's errors."""
        try:
            try:
                reply = self._connection.read_response()
            except redis.exceptions.NoScriptError:
                self._write(("EVAL", _source(self._name)[0], *self._sent[2:]))
                reply = self._connection.read_response()
        except UNREACHABLE as error:
            raise self._broken(error) from error
        return reply

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
            self._pool.release(self._connection)
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
    OSError,
)
