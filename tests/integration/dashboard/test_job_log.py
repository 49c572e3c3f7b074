"""What a job told of itself stands on its page, without personal data."""

from __future__ import annotations

from typing import Any

from gateway.context import Gateway
from shared.broker import keys
from shared.queues import Queue
from tests.integration.dashboard.conftest import Browser
from tests.kit.dashboard import a_message


def test_what_a_job_told_stands_on_its_page_and_not_in_its_time_line(viewer: Browser, parts: Gateway) -> None:
    silent, job_id = a_message(parts), a_message(parts)
    line: dict[Any, Any] = {
        "event": "logged",
        "job": job_id,
        "attempt": "1",
        "line": "asked <b>the bank</b> for +9779800000000",
    }
    parts.broker.scripts.client.xadd(keys.events(Queue.WHATSAPP), line)

    page = viewer.get(f"/dashboard/jobs/{job_id}").text

    assert "asked &lt;b&gt;the bank&lt;/b&gt; for ***00" in page
    assert "<b>logged</b>" not in page
    assert "log-title" not in viewer.get(f"/dashboard/jobs/{silent}").text
