"""The rule about skipped tests, proved on pytest itself."""

from __future__ import annotations

import pytest

from tests.fixtures import skips

SKIPPING_TEST = """
import pytest

def test_that_needs_a_tool():
    pytest.skip("no such tool")

@pytest.mark.xfail(strict=True)
def test_that_is_known_to_fail():
    assert False
"""
SKIPPING_MODULE = """
import pytest

pytest.skip("no such tool", allow_module_level=True)
"""


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setattr(skips, "ALLOWED_SKIPS", pytester.path / "allowed.txt")
    (pytester.path / "allowed.txt").write_text("")
    return pytester


def run(inner: pytest.Pytester) -> pytest.RunResult:
    # The outer run's plugins for order, timeouts and processes have no business in the inner one.
    unrelated = [f"-p{plugin}" for plugin in ("no:randomly", "no:timeout", "no:xdist")]
    return inner.runpytest_inprocess(*unrelated, plugins=[skips])


def test_a_skip_fails_in_ci(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    inner.makepyfile(SKIPPING_TEST)

    result = run(inner)

    result.assert_outcomes(failed=1, xfailed=1)
    result.stdout.fnmatch_lines(["*is not in tests/allowed_skips.txt: *no such tool*"])


def test_a_module_that_skips_itself_fails_in_ci(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    inner.makepyfile(SKIPPING_MODULE)

    assert run(inner).ret != pytest.ExitCode.OK


def test_a_listed_skip_stays_a_skip_in_ci(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    skips.ALLOWED_SKIPS.write_text("*::test_that_needs_a_tool  # the tool is not packaged\n")
    inner.makepyfile(SKIPPING_TEST)

    run(inner).assert_outcomes(skipped=1, xfailed=1)


def test_a_skip_stays_a_skip_on_a_developers_machine(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    inner.makepyfile(SKIPPING_TEST)

    run(inner).assert_outcomes(skipped=1, xfailed=1)


def test_every_allowed_skip_has_its_reason() -> None:
    for line in skips.ALLOWED_SKIPS.read_text().splitlines():
        pattern, mark, reason = line.partition("#")
        assert mark, f"{pattern} has no reason"
        assert reason.strip()
