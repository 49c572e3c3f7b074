"""The API's page in a real browser, under the content security policy it is served with."""

from __future__ import annotations

import subprocess

import pytest
from playwright.sync_api import Browser, expect

PATIENCE_MS = 30_000


@pytest.mark.slow
@pytest.mark.serial
def test_the_page_shows_every_operation_and_breaks_no_policy(
    chromium: Browser, gateway: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))

    page.goto(f"http://127.0.0.1:{environment['PORT']}/api/v1/docs#/whatsapp/whatsappSendMessage")

    expect(page.get_by_text("Send a WhatsApp message to one phone.").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Count the jobs of every queue.").first).to_be_visible(timeout=PATIENCE_MS)
    # The operation of the address is open, with its body.
    expect(page.get_by_text("+977-9800000000").or_(page.get_by_text("+9779800000000")).first).to_be_visible(
        timeout=PATIENCE_MS
    )
    assert gateway.poll() is None
    # A breach of the policy would be told on the console.
    assert [text for text in said if text.startswith(("error", "warning"))] == []
    page.close()
