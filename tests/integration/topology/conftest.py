"""Several servers as one Redis, made once for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.tls import Authority, TlsCluster, TlsRedis, tls_cluster, tls_redis
from tests.kit.topologies import Cluster, Sentinels, cluster, sentinels


@pytest.fixture(scope="module")
def cluster_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running cluster; what a test moves or kills it puts back."""
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="module")
def sentinel_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinels]:
    """A running master with a replica under three sentinels."""
    with sentinels(tmp_path_factory.mktemp("sentinels")) as made:
        yield made


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who issues the certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[TlsRedis]:
    """A running Redis that speaks TLS."""
    with tls_redis(tmp_path_factory.mktemp("tls"), authority, authority.issue("server")) as made:
        yield made


@pytest.fixture(scope="module")
def tls_cluster_servers(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[TlsCluster]:
    """A running cluster that speaks TLS."""
    with tls_cluster(tmp_path_factory.mktemp("tls-cluster"), authority) as made:
        yield made
