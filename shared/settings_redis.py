"""Where Redis is and how to get in: one server, the master that Sentinel names, or a cluster; with or without TLS.

``REDIS_URL`` has one of these forms; each scheme also exists as ``rediss``, which speaks TLS:

    redis://user:password@host:6379/0        unix:///path/to/socket
    redis+sentinel://user:password@sentinel-1:26379,sentinel-2:26379/service/0
    redis+cluster://user:password@node-1:6379,node-2:6379
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from shared.errors import ConfigurationError
from shared.settings_reader import EnvironmentReader, wrong_value

DEFAULT_URL = "redis://127.0.0.1:6379/0"
LONGEST_WAIT_MS = 5_000
DEFAULT_TIMEOUT_MS = 10_000
MOST_REPLICAS = 9

_SENTINEL_PORT, _SERVER_PORT = 26_379, 6_379
_LARGEST_PORT = 65_535


class Topology(StrEnum):
    """How many servers there are, and who says which one to speak to."""

    SERVER = "server"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


_SCHEMES = {
    f"{scheme}{suffix}": (topology, scheme == "rediss")
    for suffix, topology in (("", Topology.SERVER), ("+sentinel", Topology.SENTINEL), ("+cluster", Topology.CLUSTER))
    for scheme in ("redis", "rediss")
}
SCHEMES = (*_SCHEMES, "unix")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """What a ``REDIS_URL`` says; ``hosts`` are the server, the sentinels, or some nodes of the cluster."""

    topology: Topology
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    service: str = ""
    database: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class RedisSettings:
    """What a URL can't say: certificates, the sentinels' own login, and how many replicas must have a job."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, metadata={"secret": True})
    wait_replicas: int = 0
    wait_timeout_ms: int = 1_000
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    """How long an answer may take before Redis counts as out of reach."""

    def __repr__(self) -> str:
        """All fields, secrets hidden."""
        shown = (
            f"{each.name}={'***' if each.metadata.get('secret') and value is not None else repr(value)}"
            for each in fields(self)
            for value in [getattr(self, each.name)]
        )
        return f"RedisSettings({', '.join(shown)})"


def read_redis(reader: EnvironmentReader) -> tuple[str | None, RedisSettings]:
    """Read REDIS_*: the URL, or None when nothing names a server, and the rest. Raises ConfigurationError."""
    url = _url(reader)
    settings = RedisSettings(
        ca_file=_file(reader, "REDIS_CA_FILE"),
        cert_file=_file(reader, "REDIS_CERT_FILE"),
        key_file=_file(reader, "REDIS_KEY_FILE"),
        sentinel_username=reader.text("REDIS_SENTINEL_USERNAME"),
        sentinel_password=reader.secret("REDIS_SENTINEL_PASSWORD"),
        wait_replicas=reader.integer("REDIS_WAIT_REPLICAS", 0, minimum=0, maximum=MOST_REPLICAS),
        wait_timeout_ms=reader.integer("REDIS_WAIT_TIMEOUT_MS", 1_000, minimum=10, maximum=LONGEST_WAIT_MS),
        # A worker without work waits for an answer for up to a second.
        timeout_ms=reader.integer("REDIS_TIMEOUT_MS", DEFAULT_TIMEOUT_MS, minimum=1_500, maximum=600_000),
    )
    _check(settings, None if url is None or url.startswith("unix:") else parse_redis_url(url))
    return url, settings


def parse_redis_url(url: str) -> RedisAddress:
    """Take a URL apart. Raises ConfigurationError, which never repeats the URL: it may hold a password."""
    parts = urlsplit(url)
    topology, tls = _SCHEMES[parts.scheme]
    if parts.query or parts.fragment:
        rule = "a URL without ? and #: certificates are named by REDIS_CA_FILE, REDIS_CERT_FILE and REDIS_KEY_FILE"
        raise wrong_value("REDIS_URL", f"{parts.scheme}://…?…", rule, f"{parts.scheme}://host:6379/0")
    login, _, places = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    port = _SENTINEL_PORT if topology is Topology.SENTINEL else _SERVER_PORT
    hosts = tuple(_host(parts.scheme, place, port) for place in places.split(","))
    if topology is Topology.SERVER and len(hosts) > 1:
        rule = "a URL with one host; several are sentinels (redis+sentinel://) or nodes of a cluster (redis+cluster://)"
        raise wrong_value("REDIS_URL", f"{parts.scheme}://…,…", rule, f"{parts.scheme}+cluster://…")
    service, database = _service_and_database(topology, parts.scheme, parts.path)
    return RedisAddress(topology, tls, hosts, unquote(username) or None, unquote(password) or None, service, database)


def _host(scheme: str, place: str, default_port: int) -> tuple[str, int]:
    host, colon, port = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    if not colon:
        host, port = place, str(default_port)
    if not host or not port.isdigit() or not 1 <= int(port) <= _LARGEST_PORT or (":" in host and host[0] != "["):
        rule = f"host:port, with a port from 1 to {_LARGEST_PORT} and IPv6 addresses in brackets"
        raise wrong_value("REDIS_URL", f"{scheme}://…{place}…", rule, f"{scheme}://{host or 'host'}:{default_port}")
    return host.strip("[]"), int(port)


def _service_and_database(topology: Topology, scheme: str, path: str) -> tuple[str, int]:
    service, database = "", path.strip("/")
    if topology is Topology.SENTINEL:
        service, _, database = database.partition("/")
        if not service:
            rule = "a URL that ends with the name of the service which the sentinels watch"
            raise wrong_value("REDIS_URL", f"{scheme}://…", rule, f"{scheme}://…/mymaster")
    if topology is Topology.CLUSTER and database not in {"", "0"}:
        raise wrong_value(
            "REDIS_URL", f"{scheme}://…/{database}", "a cluster's URL without a database", f"{scheme}://…"
        )
    if database and not database.isdigit():
        rule = "a URL that ends with the number of a database"
        raise wrong_value("REDIS_URL", f"{scheme}://…/{database}", rule, f"{scheme}://…/0")
    return unquote(service), int(database or 0)


def _url(reader: EnvironmentReader) -> str | None:
    """REDIS_URL with the login beside it, or one made of the parts; None when nothing is set."""
    url = reader.url("REDIS_URL", SCHEMES)
    host = reader.text("REDIS_HOST")
    port = reader.optional_integer("REDIS_PORT", minimum=1, maximum=_LARGEST_PORT, example=_SERVER_PORT)
    username = reader.text("REDIS_USERNAME")
    password = reader.secret("REDIS_PASSWORD")
    database = reader.optional_integer("REDIS_DB", minimum=0, maximum=1_000_000, example=0)
    if url and any(part is not None for part in (host, port, database)):
        raise ConfigurationError("REDIS_URL can't be combined with REDIS_HOST, REDIS_PORT or REDIS_DB: set either")
    if username and not password:
        raise ConfigurationError("REDIS_USERNAME is set without REDIS_PASSWORD: set both or neither")
    login = f"{quote(username or '', safe='')}:{quote(password, safe='')}@" if password else ""
    if url is None:
        if not login and all(part is None for part in (host, port, database)):
            return None
        return f"redis://{login}{_bracketed(host or '127.0.0.1')}:{port or _SERVER_PORT}/{database or 0}"
    if login and ("@" in urlsplit(url).netloc or url.startswith("unix:")):
        message = "REDIS_URL has its own login and can't be combined with REDIS_USERNAME or REDIS_PASSWORD: set either"
        raise ConfigurationError(message)
    return url.replace("://", f"://{login}", 1)


def _file(reader: EnvironmentReader, name: str) -> Path | None:
    value = reader.text(name)
    if value is None:
        return None
    try:
        if "-----BEGIN " in Path(value).read_text(encoding="ascii", errors="replace"):
            return Path(value)
    except OSError as error:
        raise ConfigurationError(f"{name}={value} can't be read: {error.strerror}") from error
    raise ConfigurationError(f"{name}={value} is wrong: it must be a file in PEM format, with -----BEGIN … in it")


def _check(settings: RedisSettings, address: RedisAddress | None) -> None:
    files = {
        "REDIS_CA_FILE": settings.ca_file,
        "REDIS_CERT_FILE": settings.cert_file,
        "REDIS_KEY_FILE": settings.key_file,
    }
    named = [name for name, file in files.items() if file is not None]
    if named and not (address is not None and address.tls):
        raise ConfigurationError(f"{named[0]} is set but REDIS_URL doesn't speak TLS: begin it with rediss")
    if (settings.cert_file is None) != (settings.key_file is None):
        raise ConfigurationError("REDIS_CERT_FILE and REDIS_KEY_FILE go together: set both or neither")
    if settings.sentinel_password and not (address and address.topology is Topology.SENTINEL):
        raise ConfigurationError("REDIS_SENTINEL_PASSWORD is set but REDIS_URL names no sentinels: redis+sentinel://…")
    if settings.sentinel_username and not settings.sentinel_password:
        raise ConfigurationError("REDIS_SENTINEL_USERNAME is set without REDIS_SENTINEL_PASSWORD: set both or neither")
    _try_files(settings)


def _try_files(settings: RedisSettings) -> None:
    """Load the certificates once, so that a wrong one stops the start and not each connection."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file and settings.key_file:
            context.load_cert_chain(settings.cert_file, settings.key_file, password="")
    except (ssl.SSLError, ValueError) as error:
        message = "REDIS_CA_FILE, or REDIS_CERT_FILE with REDIS_KEY_FILE, holds no usable certificate or key"
        raise ConfigurationError(f"{message}: {error}") from error


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
