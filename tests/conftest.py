"""The fixtures of every test, and the rule that nothing is skipped unnoticed in CI."""

from __future__ import annotations

from importlib.util import find_spec

pytest_plugins = ["pytester", "tests.fixtures.skips", "tests.fixtures.redis"]
if find_spec("tests.fixtures.database") is not None:
    pytest_plugins.append("tests.fixtures.database")
