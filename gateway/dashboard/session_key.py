"""The key that signs sessions: ``DASHBOARD_KEY``, or one made once into ``DATA_DIR``. There is no default."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from shared.errors import ConfigurationError
from shared.settings import Settings

KEY_FILE = "dashboard-key"
_BYTES = 32


def session_key(settings: Settings) -> str:
    """The key of this deployment; every gateway process of one data folder reads the same.

    Raises ConfigurationError where the folder can't be written and ``DASHBOARD_KEY`` isn't set.
    """
    if settings.dashboard_key:
        return settings.dashboard_key
    path = settings.data_dir / KEY_FILE
    try:
        return path.read_text().strip() if path.exists() else _write_new(path)
    except OSError as error:
        rule = "set DASHBOARD_KEY to at least 32 random characters, the same for every gateway"
        raise ConfigurationError(f"The dashboard's key can't be kept in {settings.data_dir}: {rule}") from error


def _write_new(path: Path) -> str:
    """Make the file, readable by the owner only; whoever comes second reads the first one's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(_BYTES) + "\n")
    try:
        # A link appears complete or not at all, and never over another process's key.
        os.link(draft, path)
    except FileExistsError:
        return path.read_text().strip()
    finally:
        draft.unlink()
    return path.read_text().strip()
