"""Redis over TLS: by the server itself if it was built for that, else behind a front; certificates made on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import trustme

from deploy.local.ports import free_port
from deploy.local.redis_server import RedisServer, RedisServerError
from shared.settings_redis import RedisSettings
from tests.kit.tls_front import Certificate, TlsFront, tls_front
from tests.kit.topologies import Cluster, cluster


@dataclass
class Authority:
    """Issues certificates; its own is in ``ca_file``."""

    folder: Path
    _ca: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ca.cert_pem.write_to_path(str(self.ca_file))

    @property
    def ca_file(self) -> Path:
        """What those need who trust this authority."""
        return self.folder / "ca.pem"

    def issue(
        self, name: str, host: str = "127.0.0.1", *, not_after: datetime | None = None, asks_clients: bool = False
    ) -> Certificate:
        """A certificate for a host, valid until ``not_after``, in files called ``name``."""
        made = self._ca.issue_cert(host, not_after=not_after)
        cert_file, key_file = self.folder / f"{name}.pem", self.folder / f"{name}-key.pem"
        made.private_key_pem.write_to_path(str(key_file))
        cert_file.write_bytes(b"".join(each.bytes() for each in made.cert_chain_pems))
        return Certificate(cert_file, key_file, self.ca_file if asks_clients else None)


@dataclass
class TlsRedis:
    """Where a Redis speaks TLS, and what its own clients need for it."""

    server: RedisServer
    port: int
    access: RedisSettings
    is_native: bool

    @property
    def url(self) -> str:
        """Its address."""
        return f"rediss://127.0.0.1:{self.port}/0"


@contextmanager
def tls_redis(folder: Path, authority: Authority, certificate: Certificate) -> Iterator[TlsRedis]:
    """A running Redis that shows the certificate."""
    access = RedisSettings(ca_file=authority.ca_file)
    port = free_port()
    server = RedisServer(folder / "native", options=certificate.options(port, authority.ca_file))
    try:
        server.start()
    except RedisServerError as error:
        if "TLS" not in str(error) and "tls" not in str(error):
            raise
    else:
        try:
            yield TlsRedis(server, port, access, is_native=True)
        finally:
            server.stop()
        return
    server = RedisServer(folder / "behind")
    server.start()
    try:
        with tls_front(server.port, certificate) as front:
            yield TlsRedis(server, front.port, access, is_native=False)
    finally:
        server.stop()


@dataclass
class TlsCluster:
    """A cluster that names the TLS ports of its nodes."""

    cluster: Cluster
    ports: list[int]
    access: RedisSettings

    @property
    def url(self) -> str:
        """Its address by one of its nodes."""
        return f"rediss+cluster://127.0.0.1:{self.ports[0]}"


@contextmanager
def tls_cluster(folder: Path, authority: Authority) -> Iterator[TlsCluster]:
    """A running cluster whose clients come in over TLS."""
    certificate = authority.issue("node")
    with ExitStack() as stack:
        fronts: list[TlsFront] = []

        def announce(port: int) -> tuple[str, ...]:
            fronts.append(stack.enter_context(tls_front(port, certificate)))
            return (f"cluster-announce-port {fronts[-1].port}",)

        made = stack.enter_context(cluster(folder, announce=announce))
        access = RedisSettings(ca_file=authority.ca_file)
        yield TlsCluster(made, [front.port for front in fronts], access)
