"""Which server to speak to, asked at each connect: the master that the sentinels name, or the node that serves a slot.

Nothing but the latest answer is kept, so there is no stale map: a server that is not, or no longer, the right one
makes its connection close, and the next connect asks again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

import redis
from redis.cluster import parse_cluster_slots
from redis.connection import Connection, SSLConnection

Address = tuple[str, int]


class WrongServer(redis.exceptions.ConnectionError):
    """The server answers, but not for this key or not now: it is a replica, or the slot is being moved."""


# Each was refused before anything happened. MOVED is no part of it: that one is answered by asking the right server.
_ELSEWHERE = (
    redis.exceptions.ReadOnlyError,
    redis.exceptions.AskError,
    redis.exceptions.TryAgainError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.MasterDownError,
)


class Place(Protocol):
    """Something that a server stands at; ``latest`` is where it was when last asked."""

    latest: Address | None

    def locate(self) -> Address:
        """Ask where it is now. Raises redis-py's ConnectionError."""


class SentinelMaster:
    """The master of a service, as the first sentinel that answers names it."""

    def __init__(self, sentinels: Sequence[Address], service: str, options: dict[str, Any]) -> None:
        self._sentinels = list(sentinels)
        self._service = service
        self._options = options
        self.latest: Address | None = None

    def locate(self) -> Address:
        """The master's address. Raises redis-py's ConnectionError with what each sentinel said."""
        said = []
        for sentinel in list(self._sentinels):
            try:
                with redis.Redis(host=sentinel[0], port=sentinel[1], **self._options) as client:
                    found: Any = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
            except (redis.exceptions.RedisError, OSError) as error:
                said.append(str(error))
                continue
            if found is None:
                said.append(f"the sentinel at {sentinel[0]}:{sentinel[1]} knows no service {self._service!r}")
                continue
            # The one that answered is asked first the next time: a dead one costs a time-out.
            self._sentinels.sort(key=lambda each: each != sentinel)
            self.latest = (found[0].decode(), int(found[1]))
            return self.latest
        raise redis.exceptions.ConnectionError(f"no sentinel names a master: {'; '.join(said)}")


class ClusterMap:
    """The cluster's nodes, of which any can tell who serves a slot."""

    def __init__(self, nodes: Sequence[Address], options: dict[str, Any]) -> None:
        self._lock = threading.Lock()
        self._seeds = tuple(nodes)
        self._nodes = list(nodes)
        self._options = options

    def masters(self) -> dict[tuple[int, int], Address]:
        """The master of each range of slots. Raises redis-py's ConnectionError with what each node said."""
        said = []
        for node in list(self._nodes):
            try:
                with self.client_of(node) as client:
                    slots = parse_cluster_slots(client.execute_command("CLUSTER", "SLOTS"), current_host=node[0])
            except (redis.exceptions.RedisError, OSError) as error:
                said.append(str(error))
                continue
            self._learn(node, slots)
            return {slots_of: part["primary"] for slots_of, part in slots.items()}
        raise redis.exceptions.ConnectionError(f"no node of the cluster answers: {'; '.join(said)}")

    def client_of(self, node: Address) -> redis.Redis:
        """A client of one node."""
        return redis.Redis(host=node[0], port=node[1], **self._options)

    def _learn(self, answered: Address, slots: dict[tuple[int, int], dict[str, Any]]) -> None:
        told = [address for part in slots.values() for address in (part["primary"], *part["replicas"])]
        with self._lock:
            # The seeds stay: when every known node has been replaced, their names lead to the new ones.
            self._nodes = list(dict.fromkeys([answered, *told, *self._seeds]))


class SlotPlace:
    """The node that serves one slot."""

    def __init__(self, cluster: ClusterMap, slot: int) -> None:
        self._cluster = cluster
        self._slot = slot
        self.latest: Address | None = None

    def locate(self) -> Address:
        """The node's address. Raises redis-py's ConnectionError, also when no node serves the slot."""
        for (first, last), address in self._cluster.masters().items():
            if first <= self._slot <= last:
                self.latest = address
                return address
        raise redis.exceptions.ConnectionError(f"no node of the cluster serves slot {self._slot}")


class LocatedConnection(Connection):
    """A connection to wherever its place is when it connects."""

    def __init__(self, *, place: Place, **options: Any) -> None:
        self._place = place
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def _connect(self) -> Any:
        self.host, self.port = self._place.locate()
        return super()._connect()  # type: ignore[no-untyped-call]

    def can_read(self, timeout: float = 0) -> bool:
        """Whether data is there; raises ConnectionError if the place has moved, so that its user connects anew."""
        if self.is_connected and self._place.latest != (self.host, self.port):
            self.disconnect()  # type: ignore[no-untyped-call]
            raise WrongServer("another server has taken over")
        return bool(super().can_read(timeout))

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        """The reply; a server that isn't the right one is left, and the error is one of the connection."""
        try:
            return super().read_response(*arguments, **options)
        except redis.exceptions.MovedError:
            raise
        except _ELSEWHERE as error:
            self.disconnect()  # type: ignore[no-untyped-call]
            raise WrongServer(f"the server at {self.host}:{self.port} refuses: {error}") from error


class LocatedTlsConnection(LocatedConnection, SSLConnection):
    """The same over TLS: the certificate must be of the host that the sentinels or the cluster name."""
