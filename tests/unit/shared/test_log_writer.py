"""The log writer: batches, files by day, bounded memory, and lines that can't be written as JSON."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from shared.log_writer import DailyFile, DescriptorSink, LogWriter, iso_milliseconds, render

MIDNIGHT_S = 1_795_478_400  # 2026-11-24T00:00:00Z


class ListSink:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, lines: bytes) -> None:
        self.content += lines


class GatedSink(ListSink):
    """Lets no write through until its gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def write(self, lines: bytes) -> None:
        assert self.gate.wait(10)
        super().write(lines)


class FailingSink:
    """Fails as a full disk or a closed pipe does."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        self.refused: list[bytes] = []

    def write(self, lines: bytes) -> None:
        self.refused.append(lines)
        raise self.error


def test_lines_come_out_in_order_as_json() -> None:
    sink = ListSink()
    writer = LogWriter([sink])
    writer.start()

    for number in range(1000):
        writer.write({"level": "info", "number": number})

    assert writer.flush()
    assert [json.loads(line)["number"] for line in sink.content.splitlines()] == list(range(1000))


def test_a_finished_line_is_written_as_it_is() -> None:
    assert render(b'{"a":1}') == b'{"a":1}\n'
    assert render(b'{"a":1}\n') == b'{"a":1}\n'


def test_the_timestamp_becomes_iso_8601_in_utc_with_milliseconds() -> None:
    assert iso_milliseconds(MIDNIGHT_S + 3661.5) == "2026-11-24T01:01:01.500Z"
    assert json.loads(render({"timestamp": float(MIDNIGHT_S)}))["timestamp"] == "2026-11-24T00:00:00.000Z"


def test_fields_are_masked() -> None:
    line = json.loads(render({"message": "constant", "result": {"success": True, "recipient": "+9779800000000"}}))

    assert line == {"message": "constant", "result": {"success": True, "recipient": "***00"}}


def test_what_json_does_not_know_is_written_as_text() -> None:
    assert json.loads(render({"path": Path("/srv")})) == {"path": "/srv"}


def test_a_line_that_cannot_be_written_as_json_is_replaced_by_one_that_says_so() -> None:
    line = json.loads(render({"event": "completed", "result": {1: "keys must be text"}}))

    assert line["event"] == "log.unwritable"
    assert "keys must be text" in line["line"]


def test_a_full_queue_makes_its_callers_wait_and_loses_nothing() -> None:
    sink = GatedSink()
    writer = LogWriter([sink], capacity=10, linger_s=0)
    writer.start()
    done = threading.Event()

    def write_many() -> None:
        for number in range(100):
            writer.write({"number": number})
        done.set()

    threading.Thread(target=write_many).start()
    assert not done.wait(0.2)

    sink.gate.set()
    assert done.wait(10)
    assert writer.flush()
    assert len(sink.content.splitlines()) == 100


def test_a_flush_that_takes_too_long_says_so() -> None:
    sink = GatedSink()
    writer = LogWriter([sink])
    writer.start()
    writer.write({"number": 1})

    assert not writer.flush(timeout_s=0.05)

    sink.gate.set()
    assert writer.flush()


def test_a_new_day_starts_a_new_file(tmp_path: Path) -> None:
    now = [MIDNIGHT_S - 1.0]
    sink = DailyFile(tmp_path / "logs", "worker-whatsapp", now=lambda: now[0])

    sink.write(b"before\n")
    now[0] += 2
    sink.write(b"after\n")
    sink.close()

    assert {path.name: path.read_text() for path in (tmp_path / "logs").iterdir()} == {
        "combined-worker-whatsapp-2026-11-23.log": "before\n",
        "combined-worker-whatsapp-2026-11-24.log": "after\n",
    }


def test_a_second_process_appends_to_the_file_of_the_day(tmp_path: Path) -> None:
    for content in (b"one\n", b"two\n"):
        sink = DailyFile(tmp_path, "gateway", now=lambda: MIDNIGHT_S)
        sink.write(content)
        sink.close()

    assert (tmp_path / "combined-gateway-2026-11-24.log").read_text() == "one\ntwo\n"


def test_a_reader_that_has_gone_does_not_stop_the_other_sinks() -> None:
    gone, sink = FailingSink(BrokenPipeError()), ListSink()
    writer = LogWriter([gone, sink])
    writer.start()

    for _ in range(2):
        writer.write({"level": "info"})
        assert writer.flush()

    assert len(gone.refused) == 1
    assert len(sink.content.splitlines()) == 2


def test_a_full_disk_is_reported_and_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w+") as stderr:
        monkeypatch.setattr("sys.__stderr__", stderr)
        full, sink = FailingSink(OSError(28, "No space left on device")), ListSink()
        writer = LogWriter([full, sink])
        writer.start()

        for _ in range(2):
            writer.write({"level": "info"})
            assert writer.flush()

        stderr.seek(0)
        assert stderr.read().count("could not be written: [Errno 28] No space left on device") == 2
    assert len(full.refused) == 2
    assert len(sink.content.splitlines()) == 2


def test_a_pipe_that_takes_small_pieces_gets_everything() -> None:
    reading, writing = os.pipe()
    content = b"x" * 1_000_000
    received = bytearray()

    def read() -> None:
        while piece := os.read(reading, 4096):
            received.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    DescriptorSink(writing).write(content)
    os.close(writing)
    reader.join(10)
    os.close(reading)

    assert bytes(received) == content
