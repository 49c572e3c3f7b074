"""Makes the Redis client that the settings describe; whoever has one need not know what stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.retry import Retry

from shared.broker.cluster import ClusterClient
from shared.broker.locating import ClusterMap, LocatedConnection, LocatedTlsConnection, SentinelMaster
from shared.settings_redis import RedisAddress, RedisSettings, Topology, parse_redis_url

if TYPE_CHECKING:
    from shared.settings import Settings

CONNECT_TIMEOUT_S = 5.0
ASK_TIMEOUT_S = 1.0
"""For a sentinel or a node that is only asked for an address: there are others to ask."""


def connect(url: str, *, socket_timeout_s: float | None = None, settings: RedisSettings | None = None) -> redis.Redis:
    """A Redis client with short timeouts, no retries of its own and bytes as replies."""
    settings = settings or RedisSettings()
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": settings.timeout_ms / 1000 if socket_timeout_s is None else socket_timeout_s,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    if url.startswith("unix:"):
        return redis.Redis.from_url(url, **options)
    address = parse_redis_url(url)
    tls = _tls(settings) if address.tls else {}
    login = _login(address.username, address.password, tls=address.tls)
    if address.topology is Topology.SENTINEL:
        return _behind_sentinels(address, settings, {**options, **login, **tls}, tls)
    if address.topology is Topology.CLUSTER:
        asking = {**options, **_asking(tls), **login}
        return ClusterClient(ClusterMap(address.hosts, asking), {**options, **login, **tls}, tls=address.tls)
    ((host, port),) = address.hosts
    more: dict[str, Any] = {**tls, "ssl": True} if address.tls else {}
    return redis.Redis(host=host, port=port, db=address.database, **login, **options, **more)


def connect_from(settings: Settings, *, socket_timeout_s: float | None = None) -> redis.Redis:
    """The client that the settings describe."""
    return connect(settings.redis_url, socket_timeout_s=socket_timeout_s, settings=settings.redis)


def servers_of(client: redis.Redis) -> list[redis.Redis]:
    """A client for each server that holds keys, to ask about the server itself."""
    return client.masters() if isinstance(client, ClusterClient) else [client]


def pool_of(client: redis.Redis, key: str) -> ConnectionPool:
    """The connections to the server that holds a key."""
    holder = client.of_key(key) if isinstance(client, ClusterClient) else client
    return holder.connection_pool


def blocking_client(client: redis.Redis, key: str) -> redis.Redis:
    """A client with its own connection to the server that holds a key, for a caller that blocks on it."""
    pool = pool_of(client, key)
    # A client that is merely given a pool leaves its connections open when it is closed.
    return redis.Redis.from_pool(pool.__class__(pool.connection_class, **pool.connection_kwargs))


def _behind_sentinels(
    address: RedisAddress, settings: RedisSettings, options: dict[str, Any], tls: dict[str, Any]
) -> redis.Redis:
    own = _login(settings.sentinel_username, settings.sentinel_password, tls=address.tls)
    master = SentinelMaster(address.hosts, address.service, {**options, **_asking(tls), **own})
    connection_class = LocatedTlsConnection if address.tls else LocatedConnection
    pool = ConnectionPool(connection_class=connection_class, place=master, db=address.database, **options)
    return redis.Redis.from_pool(pool)


def _login(username: str | None, password: str | None, *, tls: bool) -> dict[str, Any]:
    """The login; and no word about redis-py's version, which costs two calls and for most users a line in ACL LOG.

    But over TLS something must be read after the handshake: the session tickets that come with it would look as if an
    unread reply were under way.
    """
    login: dict[str, Any] = {"username": username, "password": password}
    return login if tls and not password else {**login, "driver_info": None}


def _asking(tls: dict[str, Any]) -> dict[str, Any]:
    """How to reach a server of which only an address is asked."""
    times = {"socket_connect_timeout": ASK_TIMEOUT_S, "socket_timeout": ASK_TIMEOUT_S}
    return {**times, **tls, "ssl": True} if tls else times


def _tls(settings: RedisSettings) -> dict[str, Any]:
    """Certificates; the server's is always checked, and that it is the one of the host."""
    return {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": _text(settings.ca_file),
        "ssl_certfile": _text(settings.cert_file),
        "ssl_keyfile": _text(settings.key_file),
    }


def _text(path: object) -> str | None:
    return None if path is None else str(path)
