"""TLS before a Redis that was built without it: a door of its own that takes TLS off, as stunnel does in production."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import free_port

PIECE = 65_536
POLL_S = 0.1


@dataclass(frozen=True)
class Certificate:
    """What a server shows, and whose clients it lets in if it asks them for a certificate."""

    cert_file: Path
    key_file: Path
    clients_ca_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """A server's side of TLS."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.cert_file, self.key_file)
        if self.clients_ca_file is not None:
            context.load_verify_locations(self.clients_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def options(self, port: int, ca_file: Path) -> tuple[str, ...]:
        """The same as lines of a Redis configuration."""
        return (
            f"tls-port {port}",
            f"tls-cert-file {self.cert_file}",
            f"tls-key-file {self.key_file}",
            f"tls-ca-cert-file {ca_file}",
            f"tls-auth-clients {'no' if self.clients_ca_file is None else 'yes'}",
        )


class TlsFront:
    """Listens on ``port``; each connection gets a thread."""

    def __init__(self, target_port: int, certificate: Certificate) -> None:
        self._target = ("127.0.0.1", target_port)
        self._context = certificate.context()
        self._closed = threading.Event()
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.settimeout(POLL_S)
        self._threads = [threading.Thread(target=self._accept, name="tls-front", daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Close the listener and every connection."""
        self._closed.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,), name="tls-front", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(10)
        # A refused certificate is the client's to report.
        with contextlib.suppress(OSError), client, self._context.wrap_socket(client, server_side=True) as outside:
            outside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with socket.create_connection(self._target) as inside, selectors.DefaultSelector() as waiting:
                inside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                waiting.register(outside, selectors.EVENT_READ, inside)
                waiting.register(inside, selectors.EVENT_READ, outside)
                self._pass_on(outside, waiting)

    def _pass_on(self, outside: ssl.SSLSocket, waiting: selectors.BaseSelector) -> None:
        while not self._closed.is_set():
            for key, _ in waiting.select(POLL_S):
                source = key.fileobj
                assert isinstance(source, socket.socket)
                data = source.recv(PIECE)
                while source is outside and outside.pending():
                    data += outside.recv(PIECE)
                if not data:
                    return
                key.data.sendall(data)


@contextmanager
def tls_front(target_port: int, certificate: Certificate) -> Iterator[TlsFront]:
    """A front, closed at the end."""
    front = TlsFront(target_port, certificate)
    try:
        yield front
    finally:
        front.close()
