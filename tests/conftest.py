"""The fixtures of every test, and the rule that nothing is skipped unnoticed in CI."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long drawing takes says how busy the machine is, nothing of a test.
settings.register_profile("doko", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("doko")

pytest_plugins = ["pytester", "tests.fixtures.skips", "tests.fixtures.redis"]
if find_spec("tests.fixtures.database") is not None:
    pytest_plugins.append("tests.fixtures.database")
if find_spec("playwright") is not None:
    pytest_plugins.append("tests.fixtures.browser")
if find_spec("moto") is not None:
    pytest_plugins.append("tests.fixtures.bucket")


_SLOW_TOGETHER = {
    *("credit", "importing", "mail", "orders", "reminders", "reports", "routing", "schedules"),
    *("deploy", "drafts"),
}
"""Folders of integration tests that are quick one by one and slow together."""

_SLOW_FILES = (
    *("test_business_", "test_master_data", "test_migrations", "test_processes"),
    *("test_logs", "test_reports", "test_sending", "test_sentry", "test_worker"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what takes long together out of ``make test-fast``, and of what runs on both databases one."""
    folder = Path(__file__).parent / "integration"
    for item in items:
        if not item.path.is_relative_to(folder):
            continue
        is_slow = item.path.parent.name in _SLOW_TOGETHER or item.path.name.startswith(_SLOW_FILES)
        if is_slow or "[postgres" in item.name:
            item.add_marker(pytest.mark.slow)
