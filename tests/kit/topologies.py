"""Several real servers as one Redis: a cluster of three masters, and a master with a replica under three sentinels."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.retry import Retry

from deploy.local.orphans import dies_with_parent
from deploy.local.ports import free_port
from deploy.local.redis_server import RedisServer, find_binary
from shared.broker import keys
from shared.queues import Queue
from shared.settings_redis import RedisSettings
from tests.kit.system import wait_until

SERVICE = "doko-master"
DOWN_AFTER_MS = 800
PASSWORD, SENTINEL_PASSWORD = "of the servers", "of the sentinels"


def plain_client(port: int, **options: Any) -> Any:
    """A client of one server, whatever it belongs to; it neither retries nor follows."""
    return redis.Redis(port=port, socket_timeout=5, retry=Retry(NoBackoff(), 0), protocol=2, **options)


@dataclass
class Cluster:
    """Three masters with two queues each."""

    servers: Sequence[RedisServer]
    access: RedisSettings | None = None

    @property
    def url(self) -> str:
        """Its address by two of its nodes: the third is found through them."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers[:2])

    def server_of(self, key: str) -> RedisServer:
        """The server that serves a key's slot now."""
        slot = key_slot(key.encode())
        with plain_client(self.servers[0].port) as client:
            for (first, last), port in _masters(client).items():
                if first <= slot <= last:
                    return next(server for server in self.servers if server.port == port)
        raise AssertionError(f"nobody serves slot {slot}")

    def other_than(self, server: RedisServer) -> RedisServer:
        """Another of its servers."""
        return next(other for other in self.servers if other is not server)

    def begin_move(self, key: str, target: RedisServer) -> tuple[Any, Any, int]:
        """Open a key's slot for a move key by key: clients of source and target, and the slot."""
        slot, source = key_slot(key.encode()), self.server_of(key)
        giver, taker = plain_client(source.port), plain_client(target.port)
        taker.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", _id(giver))
        giver.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", _id(taker))
        return giver, taker, slot

    def move_keys(self, giver: Any, target: RedisServer, slot: int, count: int, *, but: str = "") -> int:
        """Move up to so many keys of an open slot, ``but`` one of them; how many it were."""
        names = [
            name for name in giver.execute_command("CLUSTER", "GETKEYSINSLOT", slot, count + 1) if name != but.encode()
        ][:count]
        if names:
            giver.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *names)
        return len(names)

    def end_move(self, giver: Any, taker: Any, slot: int) -> None:
        """Give the slot to its new server, and let all know."""
        new = _id(taker)
        for client in (taker, giver, *(plain_client(server.port) for server in self.servers)):
            client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", new)

    def move(self, key: str, target: RedisServer) -> None:
        """Move the slot of a key as ``redis-cli --cluster reshard`` does."""
        giver, taker, slot = self.begin_move(key, target)
        while self.move_keys(giver, target, slot, 100):
            pass
        self.end_move(giver, taker, slot)

    def flush(self) -> None:
        """Empty all servers."""
        for server in self.servers:
            with plain_client(server.port) as client:
                client.flushall()


@contextmanager
def cluster(folder: Path, announce: Callable[[int], Sequence[str]] = lambda _: ()) -> Iterator[Cluster]:
    """A running cluster without replicas; ``announce`` gives further options to the server of a port."""
    with ExitStack() as stack:
        servers = []
        for number in range(3):
            # A kill must cost nothing: with everysec Redis holds writes back while a sync is under way.
            own = ("cluster-enabled yes", f"cluster-port {free_port()}", "cluster-node-timeout 2000")
            port = free_port()
            lines = (*own, "appendfsync always", *announce(port))
            server = RedisServer(folder / f"node-{number}", port=port, options=lines)
            stack.callback(server.stop)
            server.start()
            servers.append(server)
        _join(servers)
        yield Cluster(servers)


def shares(count: int) -> list[tuple[int, int]]:
    """Ranges of slots with the same number of queues in each; even ones would leave a server of three without any."""
    slots = sorted(key_slot(keys.meta(queue).encode()) for queue in Queue)
    size = len(slots) // count
    firsts = [0, *(slots[number * size - 1] + 1 for number in range(1, count)), REDIS_CLUSTER_HASH_SLOTS]
    return [(first, after - 1) for first, after in pairwise(firsts)]


def _join(servers: Sequence[RedisServer]) -> None:
    clients = [plain_client(server.port) for server in servers]
    for number, (client, (first, last)) in enumerate(zip(clients, shares(len(servers)), strict=True)):
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for server in servers[1:]:
        bus = next(line.split()[1] for line in server.options if line.startswith("cluster-port"))
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
    wait_until(
        lambda: all(len(_masters(client)) == len(servers) and _is_ok(client) for client in clients) or None,
        lambda: f"a cluster of {len(servers)} nodes",
    )


def _is_ok(client: Any) -> bool:
    return b"cluster_state:ok" in _raw(client, "CLUSTER", "INFO")


def _masters(client: Any) -> dict[tuple[int, int], int]:
    found = _raw(client, "CLUSTER", "SLOTS")
    return {(int(part[0]), int(part[1])): int(part[2][1]) for part in found}


def _id(client: Any) -> str:
    return str(_raw(client, "CLUSTER", "MYID").decode())


def _raw(client: Any, *command: str) -> Any:
    """The reply as it came: redis-py's own parsers want a cluster's client."""
    connection = client.connection_pool.get_connection()
    try:
        connection.send_command(*command)
        return connection.read_response()
    finally:
        client.connection_pool.release(connection)


@dataclass
class Sentinels:
    """A master, a replica, and three sentinels that agree by two; servers and sentinels each ask for a password."""

    servers: Sequence[RedisServer]
    ports: Sequence[int]
    access: RedisSettings = field(default_factory=lambda: RedisSettings(sentinel_password=SENTINEL_PASSWORD))

    @property
    def url(self) -> str:
        """Its address by all three sentinels."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://:{quote(PASSWORD)}@{hosts}/{SERVICE}/0"

    def sentinel(self, number: int = 0) -> Any:
        """A client of one sentinel."""
        return plain_client(self.ports[number], password=SENTINEL_PASSWORD)

    @property
    def master(self) -> RedisServer:
        """The server that the first sentinel names."""
        with self.sentinel() as client:
            address = _raw(client, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(server for server in self.servers if server.port == int(address[1]))

    def await_other_master(self, old: RedisServer) -> RedisServer:
        """Wait for a fail-over from ``old``."""
        return wait_until(lambda: self.master if self.master is not old else None, lambda: "the fail-over")

    def await_replicas(self, count: int) -> None:
        """Wait until so many replicas follow the master."""
        with plain_client(self.master.port, password=PASSWORD) as client:
            wait_until(lambda: _replicates(client, count) or None, lambda: f"{count} replicas")


@contextmanager
def sentinels(folder: Path, *, replicas: int = 1, server_options: Sequence[str] = ()) -> Iterator[Sentinels]:
    """A running master with replicas, watched."""
    with ExitStack() as stack:
        servers: list[RedisServer] = []
        for number in range(replicas + 1):
            follows = [f"replicaof 127.0.0.1 {servers[0].port}"] if servers else []
            lines = ("repl-diskless-sync-delay 0", *follows, *server_options)
            server = RedisServer(folder / f"server-{number}", password=PASSWORD, options=lines)
            stack.callback(server.stop)
            server.start()
            servers.append(server)
        made = Sentinels(servers, [free_port() for _ in range(3)])
        with plain_client(servers[0].port, password=PASSWORD) as client:
            wait_until(lambda: _replicates(client, replicas) or None, lambda: "the replicas")
        for port in made.ports:
            stack.enter_context(_sentinel(folder / f"sentinel-{port}", port, servers[0].port))
        wait_until(
            lambda: all(_knows_all(made.sentinel(number), replicas) for number in range(3)) or None,
            lambda: "the sentinels know each other",
        )
        yield made


def _replicates(client: Any, count: int) -> bool:
    client.set("probe", 1)
    return bool(client.wait(count, 100) >= count)


@contextmanager
def _sentinel(folder: Path, port: int, master: int) -> Iterator[None]:
    folder.mkdir(parents=True)
    file = folder / "sentinel.conf"
    file.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nlogfile {folder / 'sentinel.log'}\n"
        f"sentinel monitor {SERVICE} 127.0.0.1 {master} 2\n"
        f'requirepass "{SENTINEL_PASSWORD}"\nsentinel sentinel-pass "{SENTINEL_PASSWORD}"\n'
        f'sentinel auth-pass {SERVICE} "{PASSWORD}"\n'
        f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
        f"sentinel failover-timeout {SERVICE} 5000\n"
    )
    process = subprocess.Popen(
        [find_binary(), file, "--sentinel"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=dies_with_parent(),  # noqa: PLW1509 - it makes system calls only
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _knows_all(sentinel: Any, replicas: int) -> bool:
    try:
        with sentinel:
            flat = _raw(sentinel, "SENTINEL", "MASTER", SERVICE)
    except redis.exceptions.ConnectionError:
        time.sleep(0.02)
        return False
    told = dict(zip(flat[::2], flat[1::2], strict=True))
    return int(told[b"num-other-sentinels"]) == 2 and int(told[b"num-slaves"]) == replicas
