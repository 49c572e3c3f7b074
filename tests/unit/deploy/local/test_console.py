"""What `make up` shows of the lines of its parts."""

from __future__ import annotations

import io
import json

from deploy.local.console import Console

LINE = {
    "level": "info",
    "message": "Job 123 completed in queue whatsapp-messages",
    "event": "completed",
    "timestamp": "2026-11-24T05:43:00.120Z",
    "queue": "whatsapp-messages",
    "jobId": "123",
    "duration": 1250,
    "result": {"success": True},
}


def shown(text: str, *, is_terminal: bool) -> str:
    stream = io.StringIO()
    console = Console(stream, is_terminal=is_terminal)
    for name in ("gateway", "worker-whatsapp"):
        console.introduce(name)
    console.line("gateway", text)
    return stream.getvalue()


def test_without_a_terminal_lines_pass_unchanged_behind_the_name() -> None:
    assert shown(json.dumps(LINE), is_terminal=False) == f"gateway         | {json.dumps(LINE)}\n"


def test_in_a_terminal_a_log_line_reads_as_a_sentence_with_details() -> None:
    text = shown(json.dumps(LINE), is_terminal=True)

    assert "05:43:00.120 Job 123 completed in queue whatsapp-messages" in text
    assert 'duration=1250 result={"success": true}' in text
    assert text.startswith("\x1b[36mgateway         |\x1b[0m ")


def test_in_a_terminal_a_traceback_stands_on_lines_of_its_own() -> None:
    error = {"type": "ValueError", "message": "no", "traceback": "Traceback\n  in send"}

    text = shown(json.dumps({**LINE, "level": "error", "error": error}), is_terminal=True)

    assert text.rstrip().endswith("\nTraceback\n  in send")
    assert "\x1b[31mJob 123" in text


def test_in_a_terminal_other_lines_pass_as_they_are() -> None:
    for text in ("plain", "{broken", "{}", '{"a": 1}', "नमस्ते"):
        assert shown(text, is_terminal=True).endswith(f" {text}\n")


def test_a_closed_terminal_does_not_stop_the_supervisor() -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(5, "Input/output error")

    Console(Closed(), is_terminal=True).say("Stopping")
