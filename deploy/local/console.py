"""What `make up` shows: the lines of all parts, each with its part's name, coloured and readable in a terminal."""

from __future__ import annotations

import contextlib
import json
from typing import TextIO

_COLOURS = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)
_LEVEL_COLOURS = {"warning": 33, "error": 31, "critical": 31}
_SHOWN_ELSEWHERE = {"level", "message", "event", "timestamp", "queue", "jobId", "logger"}
_TIME_OF_DAY = slice(11, 23)


class Console:
    """Writes whole lines to a stream; in a terminal with colours, and JSON log lines in words."""

    def __init__(self, stream: TextIO, *, is_terminal: bool | None = None) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty() if is_terminal is None else is_terminal
        self._names: dict[str, int] = {}

    def introduce(self, name: str) -> None:
        """Make room and choose a colour for a part's name."""
        self._names.setdefault(name, _COLOURS[len(self._names) % len(_COLOURS)])

    def line(self, name: str, text: str) -> None:
        """Show one line of a part."""
        width = max((len(each) for each in self._names), default=0)
        prefix = self._coloured(f"{name:<{width}} |", self._names.get(name, 0))
        self._write(f"{prefix} {self._readable(text) if self._is_terminal else text}\n")

    def say(self, text: str) -> None:
        """Show a text of our own."""
        self._write(text + "\n")

    def _readable(self, text: str) -> str:
        if not text.startswith("{"):
            return text
        try:
            fields = json.loads(text)
        except ValueError:
            return text
        if not isinstance(fields, dict) or "message" not in fields:
            return text
        level = str(fields.get("level", ""))
        details = " ".join(f"{key}={_short(value)}" for key, value in fields.items() if key not in _SHOWN_ELSEWHERE)
        at = str(fields.get("timestamp", ""))[_TIME_OF_DAY]
        message = self._coloured(str(fields["message"]), _LEVEL_COLOURS.get(level, 0))
        trace = fields.get("error", {}).get("traceback", "") if isinstance(fields.get("error"), dict) else ""
        return " ".join(part for part in (at, message, self._coloured(details, 2)) if part) + (trace and f"\n{trace}")

    def _coloured(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._is_terminal and colour and text else text

    def _write(self, text: str) -> None:
        # A terminal that was closed must not keep the parts from being stopped in order.
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()


def _short(value: object) -> str:
    if isinstance(value, dict) and "traceback" in value:
        value = {key: each for key, each in value.items() if key != "traceback"}
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
