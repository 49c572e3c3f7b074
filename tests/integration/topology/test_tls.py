"""TLS: who can't show the right certificate is not spoken to, on either side."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.errors import RedisUnavailable
from shared.settings_redis import RedisSettings
from tests.kit.engine import Engine
from tests.kit.tls import Authority, TlsRedis, tls_redis

pytestmark = pytest.mark.slow


def refusal(url: str, access: RedisSettings | None) -> str:
    """Why no job could be enqueued, as the log tells it."""
    engine = Engine(url, access=access)
    try:
        with pytest.raises(RedisUnavailable) as raised:
            engine.add()
    finally:
        engine.close()
    return str(raised.value.__cause__)


def test_a_server_of_another_authority_is_refused(tls_server: TlsRedis, tmp_path: Path) -> None:
    stranger = Authority(tmp_path)

    assert "certificate verify failed" in refusal(tls_server.url, replace(tls_server.access, ca_file=stranger.ca_file))
    assert "certificate verify failed" in refusal(tls_server.url, None)


def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    certificate = authority.issue("expired", not_after=datetime.now(UTC) - timedelta(days=1))

    with tls_redis(tmp_path, authority, certificate) as server:
        assert "certificate has expired" in refusal(server.url, server.access)


def test_a_certificate_of_another_host_is_refused(authority: Authority, tmp_path: Path) -> None:
    with tls_redis(tmp_path, authority, authority.issue("other", "redis.example")) as server:
        assert "IP address mismatch" in refusal(server.url, server.access)
        by_name = f"rediss://localhost:{server.port}"
        assert "Hostname mismatch, certificate is not valid for 'localhost'" in refusal(by_name, server.access)


def test_a_server_may_ask_for_our_certificate(authority: Authority, tmp_path: Path) -> None:
    ours = authority.issue("ours", "worker.example")
    with tls_redis(tmp_path, authority, authority.issue("asking", asks_clients=True)) as server:
        assert refusal(server.url, server.access)
        engine = Engine(server.url, access=replace(server.access, cert_file=ours.cert_file, key_file=ours.key_file))
        assert engine.add().created
        engine.close()


def test_without_tls_a_server_that_speaks_it_is_an_outage(tls_server: TlsRedis) -> None:
    assert refusal(tls_server.url.replace("rediss", "redis"), None)
