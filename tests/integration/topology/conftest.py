"""Several servers as one Redis, made once for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
