"""Where Redis is: every form of REDIS_URL, and what stops the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import ConfigurationError
from shared.settings import Settings
from shared.settings_redis import RedisAddress, RedisSettings, Topology, parse_redis_url


def settings(**environment: str) -> Settings:
    return Settings.from_environment(environment)


def refused(**environment: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        settings(**environment)
    return str(error.value)


def _address(topology: Topology, hosts: tuple[tuple[str, int], ...], *login: Any, tls: bool = False) -> RedisAddress:
    return RedisAddress(topology, tls, hosts, *login)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://cache", _address(Topology.SERVER, (("cache", 6379),))),
        ("redis://:p%40ss@cache:7/2", _address(Topology.SERVER, (("cache", 7),), None, "p@ss", "", 2)),
        ("rediss://doko:s3@[::1]:6380", _address(Topology.SERVER, (("::1", 6380),), "doko", "s3", tls=True)),
        (
            "redis+sentinel://doko:s3@one,two:7/main/3",
            _address(Topology.SENTINEL, (("one", 26379), ("two", 7)), "doko", "s3", "main", 3),
        ),
        (
            "rediss+cluster://a:1,[fe80::1],c/",
            _address(Topology.CLUSTER, (("a", 1), ("fe80::1", 6379), ("c", 6379)), tls=True),
        ),
    ],
)
def test_every_form_of_the_url_is_understood(url: str, address: RedisAddress) -> None:
    assert settings(REDIS_URL=url).redis_url == url
    assert parse_redis_url(url) == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis+cluser://h", "the nearest valid value is redis+cluster://…"),
        ("redis://a,b", "several are sentinels (redis+sentinel://) or nodes of a cluster (redis+cluster://)"),
        ("redis://a:0", "with a port from 1 to 65535"),
        ("redis://a:many", "with a port from 1 to 65535"),
        ("redis://::1:6379", "IPv6 addresses in brackets"),
        ("redis+cluster://a:1,,b:1", "host:port"),
        ("redis+sentinel://a:1", "the name of the service"),
        ("redis+sentinel://a:1/main/first", "the number of a database"),
        ("redis+cluster://a:1/2", "without a database"),
        ("rediss://a?ssl_cert_reqs=none", "without ? and #"),
    ],
)
def test_a_wrong_url_stops_the_start(url: str, said: str) -> None:
    assert said in refused(REDIS_URL=url)


def test_no_error_repeats_a_password() -> None:
    for url in ("redis://u:secret@a,b", "redis+sentinel://u:secret@a", "rediss://u:secret@a?x", "redis://u:secret@a:x"):
        assert "secret" not in refused(REDIS_URL=url)


def test_the_login_may_stand_beside_the_url() -> None:
    made = settings(REDIS_URL="redis+cluster://a:1,b:2", REDIS_USERNAME="doko", REDIS_PASSWORD="p@ss")

    assert made.redis_url == "redis+cluster://doko:p%40ss@a:1,b:2"
    assert "p%40ss" not in repr(made)


def test_two_logins_or_half_of_one_stop_the_start() -> None:
    assert "its own login" in refused(REDIS_URL="redis://u:p@a", REDIS_PASSWORD="other")
    assert "set both or neither" in refused(REDIS_URL="redis://a", REDIS_USERNAME="doko")
    assert "can't be combined" in refused(REDIS_URL="redis://a", REDIS_DB="1")


def test_certificates_are_of_use_with_tls_only(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n")

    assert "begin it with rediss" in refused(REDIS_URL="redis://a", REDIS_CA_FILE=str(file))
    assert "begin it with rediss" in refused(REDIS_CA_FILE=str(file))


def test_a_file_that_is_no_certificate_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("my notes")
    (tmp_path / "broken").write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")

    assert "No such file" in refused(REDIS_URL="rediss://a", REDIS_CA_FILE=str(tmp_path / "none"))
    assert "PEM format" in refused(REDIS_URL="rediss://a", REDIS_CA_FILE=str(tmp_path / "notes"))
    assert "no usable certificate" in refused(REDIS_URL="rediss://a", REDIS_CA_FILE=str(tmp_path / "broken"))
    assert "go together" in refused(REDIS_URL="rediss://a", REDIS_CERT_FILE=str(tmp_path / "broken"))


def test_the_sentinels_login_needs_sentinels() -> None:
    assert "names no sentinels" in refused(REDIS_URL="redis://a", REDIS_SENTINEL_PASSWORD="s3")
    assert "set both or neither" in refused(REDIS_URL="redis+sentinel://a/main", REDIS_SENTINEL_USERNAME="watch")
    made = settings(REDIS_URL="redis+sentinel://a/main", REDIS_SENTINEL_PASSWORD="s3cret").redis
    assert made == RedisSettings(sentinel_password="s3cret")
    assert "s3cret" not in repr(made)


@pytest.mark.parametrize(("value", "nearest"), [("-1", "0"), ("12", "9"), ("two", "0")])
def test_the_number_of_replicas_is_small(value: str, nearest: str) -> None:
    assert f"the nearest valid value is {nearest}" in refused(REDIS_WAIT_REPLICAS=value)


def test_unknown_names_get_the_nearest_one() -> None:
    assert "the nearest one is REDIS_WAIT_REPLICAS" in refused(REDIS_WAIT_REPLICA="1")
    assert "the nearest one is REDIS_CA_FILE" in refused(REDIS_CAFILE="/ca.pem")
