"""A bad network: a TCP proxy that delays, cuts connections in the middle of a reply, or swallows everything."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import threading
import time

PIECE = 16_384
POLL_S = 0.1


class SlowProxy:
    """Listens on a port of its own and passes bytes on to ``target_port``; bad only while ``bad`` is set.

    While ``hole`` is set, whatever is sent in either direction vanishes and nobody is told. A connection that lost
    something so never works again, as after a lost NAT entry; those made afterwards do.
    """

    def __init__(
        self, target_port: int, *, seed: int = 0, longest_delay_s: float = 0.0, cut_share: float = 0.0
    ) -> None:
        self._target = ("127.0.0.1", target_port)
        self._chance = random.Random(seed)  # noqa: S311 - a schedule, no secret
        self._longest_delay_s = longest_delay_s
        self._cut_share = cut_share
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(POLL_S)
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, name="slow-proxy", daemon=True)
        self.bad = threading.Event()
        self.hole = threading.Event()
        self.cuts = 0
        self.swallowed = 0
        self._acceptor.start()

    @property
    def url(self) -> str:
        """The address through which Redis is reached."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def close(self) -> None:
        """Close the listener and every connection."""
        self._closed.set()
        self._acceptor.join()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            thread = threading.Thread(target=self._pass_on, args=(client,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _pass_on(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self._target) as server:
            client.settimeout(None)
            lost = False
            with selectors.DefaultSelector() as selector:
                selector.register(client, selectors.EVENT_READ, server)
                selector.register(server, selectors.EVENT_READ, client)
                while not self._closed.is_set():
                    for key, _ in selector.select(POLL_S):
                        assert isinstance(key.fileobj, socket.socket)
                        lost = lost or self.hole.is_set()
                        if lost:
                            if not self._swallow(key.fileobj):
                                return
                        elif not self._pass_piece(key.fileobj, key.data, is_reply=key.data is client):
                            return

    def _swallow(self, source: socket.socket) -> bool:
        piece = source.recv(PIECE)
        self.swallowed += bool(piece)
        return bool(piece)

    def _pass_piece(self, source: socket.socket, sink: socket.socket, *, is_reply: bool) -> bool:
        piece = source.recv(PIECE)
        if not piece:
            return False
        if self.bad.is_set():
            time.sleep(self._chance.uniform(0, self._longest_delay_s))
            if self._chance.random() < self._cut_share:
                self.cuts += 1
                # A request is lost whole, a reply in its middle: Redis has done what the caller can't know.
                if is_reply:
                    sink.sendall(piece[: len(piece) // 2])
                return False
        sink.sendall(piece)
        return True
