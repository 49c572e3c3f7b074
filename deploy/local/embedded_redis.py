"""The Redis of a local Doko: its port and password are made once and kept in the data folder."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.local.ports import free_port, is_free
from deploy.local.redis_server import RedisServer

URL_FILE = "redis-url"


def embedded_redis(data_dir: Path) -> RedisServer:
    """The server of the data folder, not yet started; its address is kept in ``<data_dir>/redis-url`` (mode 600).

    A server that a killed ``make up`` left behind in this folder is ended first.
    """
    folder = data_dir / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    password = _kept(folder / "password") or secrets.token_urlsafe(24)
    write_private(folder / "password", password)
    port = int(_kept(folder / "port") or 0)
    if port:
        _end_orphan(folder, port, password)
    if not port or not is_free("127.0.0.1", port):
        port = free_port()
    write_private(folder / "port", str(port))
    server = RedisServer(folder, port=port, password=password)
    write_private(data_dir / URL_FILE, server.url)
    return server


def write_private(path: Path, content: str) -> None:
    """Write a small file that only its owner may read; it appears whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content + "\n")
    draft.replace(path)


def _kept(path: Path) -> str | None:
    return path.read_text().strip() or None if path.exists() else None


def _end_orphan(folder: Path, port: int, password: str) -> None:
    """End the server on the port if its data is in our folder; whatever else listens there is left alone."""
    once = Retry(NoBackoff(), 0)
    client = redis.Redis(port=port, password=password, socket_timeout=2, retry=once, decode_responses=True)
    with contextlib.suppress(redis.RedisError), client:
        if client.config_get("dir") == {"dir": str(folder.absolute())}:
            client.shutdown()
