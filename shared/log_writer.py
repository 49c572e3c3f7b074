"""The one thread of a process that writes its log lines.

Who logs only puts a line into a queue (well under a microsecond); masking, JSON and writing happen here, in
batches. Memory is bounded: past ``capacity`` lines, logging waits. Nothing is lost at a normal exit.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from multiprocessing import util as multiprocessing_util
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

import orjson

from shared.privacy import mask_field, mask_text

Line = bytes | dict[str, Any]
"""A finished line, or a dictionary whose ``timestamp`` (epoch seconds) becomes ISO 8601 UTC."""

CAPACITY = 20_000
LINGER_S = 0.005
"""How long the first line of a batch waits for company: fewer writes, fewer changes of thread."""
FLUSH_TIMEOUT_S = 10.0

PLAIN_KEYS = frozenset(
    {"level", "message", "event", "timestamp", "logger", "process", "requestId", "method", "path", "status"}
    | {
        "queue",
        "jobId",
        "name",
        "attempt",
        "attempts",
        "duration",
        "worker",
        "delay",
        "retryInMs",
        "willRetry",
        "state",
    }
)
"""Keys whose values are ours and hold no personal data; ``message`` is masked where it isn't a constant text."""


class Sink(Protocol):
    """Where finished lines go."""

    def write(self, lines: bytes) -> None:
        """Write whole lines; raises OSError."""


class DescriptorSink:
    """Writes to a file descriptor that is there already, such as standard output."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, lines: bytes) -> None:
        """Write all of it, however small the pieces the other end takes."""
        _write_all(self._descriptor, lines)


class DailyFile:
    """Appends to ``combined-<process>-<UTC date>.log`` in a folder, a new file each day."""

    def __init__(self, folder: Path, process: str, *, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._process = process
        self._now = now
        self._day = -1
        self._descriptor: int | None = None

    def write(self, lines: bytes) -> None:
        """Append in one system call, so that lines of several processes don't mix."""
        _write_all(self._open(), lines)

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._day = None, -1

    def _open(self) -> int:
        day = int(self._now() // 86_400)
        if self._descriptor is None or day != self._day:
            self.close()
            self._folder.mkdir(parents=True, exist_ok=True)
            date = datetime.fromtimestamp(day * 86_400, tz=UTC).date()
            path = self._folder / f"combined-{self._process}-{date.isoformat()}.log"
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            self._day = day
        return self._descriptor


class LogWriter:
    """Queue and thread; ``start`` must be called once in each process."""

    def __init__(self, sinks: Sequence[Sink], *, capacity: int = CAPACITY, linger_s: float = LINGER_S) -> None:
        self._sinks = list(sinks)
        self._capacity = capacity
        self._linger_s = linger_s
        self._lines: SimpleQueue[Line | threading.Event] = SimpleQueue()
        self._room = threading.Condition()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, here and in every fork of this process, and flush at exit."""
        self._start_thread()
        os.register_at_fork(after_in_child=self._restart_in_child)
        atexit.register(self.flush)
        self._flush_at_exit_of_child()
        # A fork by multiprocessing forgets the functions that its parent registered.
        multiprocessing_util.register_after_fork(self, LogWriter._flush_at_exit_of_child)

    def write(self, line: Line) -> None:
        """Take a line; waits when ``capacity`` lines are waiting already. The dictionary is the log's from here."""
        if self._lines.qsize() >= self._capacity:
            self._wait_for_room()
        self._lines.put(line)

    def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> bool:
        """Wait until every line taken so far is written; False if that took too long."""
        written = threading.Event()
        self._lines.put(written)
        self._hurry.set()
        return written.wait(timeout_s)

    def _flush_at_exit_of_child(self) -> None:
        """Processes of multiprocessing, such as Dramatiq's workers, leave without running atexit's functions."""
        multiprocessing_util.Finalize(None, self.flush, exitpriority=0)

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def _restart_in_child(self) -> None:
        """A fork has no threads but its own, and the lines in the queue are its parent's to write."""
        if self._thread is not None:
            self._lines = SimpleQueue()
            self._room = threading.Condition()
            self._hurry = threading.Event()
            self._start_thread()

    def _wait_for_room(self) -> None:
        with self._room:
            self._room.wait_for(lambda: self._lines.qsize() < self._capacity)

    def _run(self) -> None:
        while True:
            batch = [self._lines.get()]
            if not isinstance(batch[0], threading.Event):
                self._hurry.wait(self._linger_s)
            self._hurry.clear()
            batch.extend(self._lines.get() for _ in range(self._lines.qsize()))
            self._write_batch(batch)
            with self._room:
                self._room.notify_all()

    def _write_batch(self, batch: list[Line | threading.Event]) -> None:
        lines = [render(entry) for entry in batch if not isinstance(entry, threading.Event)]
        if lines:
            content = b"".join(lines)
            for sink in list(self._sinks):
                self._write_to(sink, content)
        for entry in batch:
            if isinstance(entry, threading.Event):
                entry.set()

    def _write_to(self, sink: Sink, content: bytes) -> None:
        try:
            sink.write(content)
        except BrokenPipeError:
            # Who read our output has gone; the files go on.
            self._sinks.remove(sink)
        except OSError as error:
            _complain(f"{len(content)} bytes of log lines could not be written: {error}\n")


def render(line: Line) -> bytes:
    """One line of JSON, masked, with its newline; never raises, since the writer must live on."""
    if isinstance(line, bytes):
        return line if line.endswith(b"\n") else line + b"\n"
    try:
        for key in line.keys() - PLAIN_KEYS:
            line[key] = mask_field(key, line[key])
        at = line.get("timestamp")
        if isinstance(at, float):
            line["timestamp"] = iso_milliseconds(at)
        return orjson.dumps(line, default=_plain, option=orjson.OPT_APPEND_NEWLINE)
    except Exception as error:  # noqa: BLE001 - whatever a caller put into its fields, the other lines must come out
        reason = f"{type(error).__name__}: {error}"
        replacement = {
            "level": "error",
            "message": "A log line could not be written as JSON",
            "event": "log.unwritable",
        }
        return (json.dumps({**replacement, "error": mask_text(reason), "line": mask_text(repr(line))}) + "\n").encode()


def iso_milliseconds(at_s: float) -> str:
    """Epoch seconds as ``2026-11-24T05:43:00.120Z``."""
    second = int(at_s)
    return f"{_second(second)}.{int((at_s - second) * 1000):03d}Z"


_last_second: tuple[int, str] = (-1, "")


def _second(second: int) -> str:
    """The date and time of a second, remembered, since most lines share it with the line before."""
    global _last_second  # noqa: PLW0603 - one remembered pair, replaced as a whole
    known, text = _last_second
    if known != second:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        _last_second = (second, text)
    return text


def _plain(value: object) -> str:
    return mask_text(str(value))


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _complain(text: str) -> None:
    if sys.__stderr__ is not None:
        sys.__stderr__.write(text)
