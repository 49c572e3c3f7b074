"""Which provider a worker sends through."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.whatsapp.clients.console import ConsoleProvider
from services.whatsapp.worker import make_provider
from shared.errors import ConfigurationError
from shared.settings import Settings


def test_the_console_is_no_silent_default_in_production() -> None:
    with pytest.raises(ConfigurationError, match="WHATSAPP_PROVIDER=console"):
        make_provider(Settings.from_environment({"DOKO_ENV": "production"}))


@pytest.mark.parametrize(
    "environment",
    [
        {"DOKO_ENV": "production", "WHATSAPP_PROVIDER": "console"},
        {"DOKO_ENV": "production", "WHATSAPP_PROVIDER": " console "},
        {"DOKO_ENV": "development"},
    ],
)
def test_the_console_is_used_where_it_is_asked_for_or_harmless(environment: dict[str, str]) -> None:
    assert isinstance(make_provider(Settings.from_environment(environment)), ConsoleProvider)


def test_a_provider_named_in_the_env_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WHATSAPP_PROVIDER", raising=False)
    (tmp_path / ".env").write_text("DOKO_ENV=production\nWHATSAPP_PROVIDER=console\n")

    assert isinstance(make_provider(Settings.from_environment()), ConsoleProvider)
