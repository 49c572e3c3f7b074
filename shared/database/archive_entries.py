"""Entries of a queue's event stream as rows of the archive.

The layout of an entry is the engine's (``shared/broker/scripts/lib.lua``): ``event``,
``job``, further fields, and for final events ``record``, the whole job as JSON. What
can't be read is kept as the text it is: one odd entry must not stop the archive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from shared.database.base import JsonObject, without_nul
from shared.database.models.engine import FINAL_STATES, JOB_ID_LENGTH
from shared.fingerprints import error_type, fingerprint
from shared.queues import POLICIES, Queue
from shared.subjects import SubjectKind, subjects_of

_NUMBERS = frozenset({"attempt", "attempts", "duration", "delay", "due", "completed", "failed"})
_DOCUMENTS = frozenset({"error", "progress", "result"})
_COLUMNS = {
    "name", "state", "v", "attempt", "attempts", "data", "options", "result", "errors",
    "createdAt", "startedAt", "finishedAt",
}  # fmt: skip
_EVENT_LENGTH = 32
_NAME_LENGTH = 64


@dataclass(slots=True)
class Entry:
    """One event: ``at_ms`` and ``seq`` are its stream id, ``fields`` what it says beside event and job.

    ``index`` and ``created_ms`` are for the job index alone; the archive of events doesn't keep them.
    """

    at_ms: int
    seq: int
    event: str
    job_id: str | None
    fields: JsonObject
    record: JsonObject | None
    index: JsonObject | None = None
    created_ms: int = 0

    @property
    def position(self) -> tuple[int, int]:
        """Its place in the stream; places compare as ids do."""
        return self.at_ms, self.seq

    def is_same_event(self, job_id: str | None, event: str, fields: JsonObject) -> bool:
        """Whether an archived row tells the same event."""
        return (self.job_id, self.event, self.fields) == (job_id, event, fields)


def read_entry(stream_id: bytes | str, raw: Mapping[Any, Any]) -> Entry:
    """The entry that Redis returned under ``stream_id``; bytes and texts are both fine."""
    at_ms, seq = position_of(stream_id)
    texts = {_name(key): _text(value) for key, value in raw.items()}
    event = texts.pop("event", "unknown")[:_EVENT_LENGTH]
    job_id = texts.pop("job", "")[:JOB_ID_LENGTH] or None
    record = None
    document = texts.pop("record", None)
    if document is not None:
        parsed = _parsed(document)
        if isinstance(parsed, dict):
            record = parsed
        else:
            texts["record"] = document
    index = texts.pop("index", None)
    created_ms = _int(texts.pop("created", None)) or at_ms
    fields = {key: _value(key, value) for key, value in texts.items() if value}
    return Entry(at_ms, seq, event, job_id, fields, record, _object(_parsed(index)) if index else None, created_ms)


def position_of(stream_id: bytes | str) -> tuple[int, int]:
    """``1763963045123-2`` as (1763963045123, 2)."""
    at_ms, _, seq = _text(stream_id).partition("-")
    return int(at_ms), int(seq or 0)


def size_of(raw: Mapping[Any, Any]) -> int:
    """Roughly the bytes that an entry holds."""
    return sum(map(len, raw)) + sum(map(len, raw.values()))


def event_row(queue: Queue, entry: Entry) -> dict[str, Any]:
    """The entry as a row of ``job_events``."""
    return {
        "queue": queue,
        "at_ms": entry.at_ms,
        "seq": entry.seq,
        "job_id": entry.job_id,
        "event": entry.event,
        "fields": entry.fields,
    }


def job_row(queue: Queue, entry: Entry) -> dict[str, Any] | None:
    """The finished job that the entry carries as a row of ``archived_jobs``; None if it carries none."""
    record = entry.record
    if record is None or entry.job_id is None or entry.event not in FINAL_STATES:
        return None
    options = _object(record.get("options"))
    errors = [error for error in record.get("errors") or [] if isinstance(error, dict)]
    return {
        "job_id": entry.job_id,
        "queue": queue,
        "name": str(record.get("name", ""))[:_NAME_LENGTH],
        "state": entry.event,
        "version": _int(record.get("v")) or 1,
        "attempt": _int(record.get("attempt")) or 0,
        "attempts": _int(record.get("attempts")) or _int(options.get("attempts")) or POLICIES[queue].attempts,
        "data": _object(record.get("data")),
        "options": options,
        "result": record.get("result"),
        "errors": errors,
        "created_at_ms": _int(record.get("createdAt")),
        "started_at_ms": _int(record.get("startedAt")),
        "finished_at_ms": _int(record.get("finishedAt")) or entry.at_ms,
        "rest": {key: value for key, value in record.items() if key not in _COLUMNS},
        "event_ms": entry.at_ms,
        "event_seq": entry.seq,
        "removed_ms": None,
        **(_failure(errors[-1], _object(record.get("data"))) if entry.event == "failed" and errors else NO_FAILURE),
    }


NO_FAILURE = {"error_type": None, "fingerprint": None, "customer": None}


def _failure(error: JsonObject, data: JsonObject) -> dict[str, str | None]:
    """What a failed job is grouped by, and whom it hit."""
    subjects = subjects_of(data)
    retailer, phone = (next(iter(subjects.get(kind, ())), None) for kind in (SubjectKind.RETAILER, SubjectKind.PHONE))
    customer = f"r:{retailer}" if retailer else f"p:{phone}" if phone else None
    return {"error_type": error_type(error), "fingerprint": fingerprint(error), "customer": customer}


@lru_cache(1_000)
def _name(key: bytes | str) -> str:
    """A field's name: there are few, and each entry has some."""
    return _text(key)


def _text(value: bytes | str) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    return without_nul(text) if "\x00" in text else text


def _value(key: str, text: str) -> Any:
    if key in _NUMBERS:
        return int(text) if text.removeprefix("-").isdecimal() else text
    return _parsed(text) if key in _DOCUMENTS else text


def _parsed(text: str) -> Any:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return without_nul(document) if "\\u0000" in text else document


def _int(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}
