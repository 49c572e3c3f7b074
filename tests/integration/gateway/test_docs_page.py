"""The API's page in a real browser, under the content security policy it is served with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MARKUP_MS = 40_000


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH")
def test_the_page_shows_every_operation_and_breaks_no_policy(
    gateway: subprocess.Popen[bytes], environment: dict[str, str], tmp_path: Path
) -> None:
    page = f"http://127.0.0.1:{environment['PORT']}/api/v1/docs#/whatsapp/whatsappSendMessage"
    command = [
        *(str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *(f"--user-data-dir={tmp_path / 'browser'}", f"--virtual-time-budget={MARKUP_MS}"),
        *("--enable-logging=stderr", "--dump-dom", page),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert gateway.poll() is None
    assert "Send a WhatsApp message to one phone." in done.stdout
    assert "Count the jobs of every queue." in done.stdout
    # The operation of the address is open, with its body.
    assert "+9779800000000" in done.stdout
    # A breach of the policy would be told on the console.
    assert "CONSOLE" not in done.stderr
