"""The stage of a crash test, torn down with every process that stood on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from deploy.local.redis_server import RedisServer
from tests.chaos.stage import SOAK, Stage

MakeStage = Callable[..., Stage]


@pytest.fixture
def make_stage(redis_server: RedisServer, tmp_path: Path) -> Iterator[MakeStage]:
    """Makes a stage: leases of 30 s in a soak, else of ``short_lease_ms``; options as ``Stage`` has them."""
    stages: list[Stage] = []

    def make(
        *,
        threads: int = 4,
        short_lease_ms: int = 1_500,
        lease_ms: int = 0,
        redis_url: str = "",
        worker_redis_url: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> Stage:
        folder = tmp_path / f"stage-{len(stages)}"
        folder.mkdir()
        lease_ms = lease_ms or (30_000 if SOAK else short_lease_ms)
        url = redis_url or redis_server.url
        stage = Stage(
            folder,
            url,
            lease_ms=lease_ms,
            threads=threads,
            worker_redis_url=worker_redis_url,
            environment=environment,
        )
        stages.append(stage)
        return stage

    yield make
    for stage in stages:
        stage.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder kills processes: it runs alone, and a full-size round may take its time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.chaos)
            item.add_marker(pytest.mark.timeout(1_800 if SOAK else 120))
