"""A balancer of TCP connections, as a cluster's service in front of its pods."""

from __future__ import annotations

import itertools
import socket
import threading
from contextlib import suppress

CHUNK = 65_536


class Balancer:
    """Gives each new connection to the next of the ports that are in service; open ones stay where they are."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._lock = threading.Lock()
        self._ports: list[int] = []
        self._turn = itertools.count()
        threading.Thread(target=self._accept, name="balancer", daemon=True).start()

    @property
    def port(self) -> int:
        """Where clients connect."""
        return int(self._listener.getsockname()[1])

    def add(self, port: int) -> None:
        """Put a backend into service."""
        with self._lock:
            self._ports.append(port)

    def remove(self, port: int) -> None:
        """Take a backend out of service: it gets no new connections."""
        with self._lock:
            self._ports.remove(port)

    def close(self) -> None:
        """Accept no more."""
        # Closing alone leaves the thread in accept.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                port = self._ports[next(self._turn) % len(self._ports)]
            try:
                backend = socket.create_connection(("127.0.0.1", port))
            except OSError:
                # As with a pod that is gone: the client sees its connection closed.
                client.close()
                continue
            threading.Thread(target=_join, args=(client, backend), daemon=True).start()


def _join(client: socket.socket, backend: socket.socket) -> None:
    """Pass on what either side says until both have said that it was all."""
    with client, backend:
        back = threading.Thread(target=_pump, args=(backend, client), daemon=True)
        back.start()
        _pump(client, backend)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
