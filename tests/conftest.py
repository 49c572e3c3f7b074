"""The fixtures of every test, and the rule that nothing is skipped unnoticed in CI."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

pytest_plugins = ["pytester", "tests.fixtures.skips", "tests.fixtures.redis"]
if find_spec("tests.fixtures.database") is not None:
    pytest_plugins.append("tests.fixtures.database")
if find_spec("moto") is not None:
    pytest_plugins.append("tests.fixtures.bucket")


_SLOW_TOGETHER = {"credit", "importing", "mail", "orders", "reminders", "reports", "routing", "schedules"}
"""Folders of integration tests that are quick one by one and slow together, each on two databases."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what takes long together out of ``make test-fast``."""
    folder = Path(__file__).parent / "integration"
    for item in items:
        if item.path.is_relative_to(folder) and (
            item.path.parent.name in _SLOW_TOGETHER or item.path.name.startswith("test_business_")
        ):
            item.add_marker(pytest.mark.slow)
