"""Logs: one JSON line an event, on standard output and in a file per process and day.

``level``, ``message`` (for people), ``event`` (a constant name, for machines) and ``timestamp`` come first, then the
fields of the event. Personal data is masked. Everything goes through the one writer thread of ``log_writer``:
structlog's loggers (``get_logger``), the standard library's, and the engine's ``job_event``.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, cast

import structlog
from structlog.typing import FilteringBoundLogger

from shared.log_writer import DailyFile, DescriptorSink, Line, LogWriter, Sink, iso_milliseconds
from shared.privacy import mask_text
from shared.settings import Settings

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_METHOD_LEVELS = {"exception": "error", "warn": "warning", "fatal": "critical", "msg": "info"}
_CHATTY = ("httpx", "httpcore", "urllib3", "sentry_sdk", "alembic")
"""Libraries whose informative lines repeat what our own lines say, addresses of requests included."""

_REPEATING = ("dramatiq.worker.WorkerThread",)
"""Loggers that say what the engine's own lines say, with tracebacks that may quote a job's data."""

_jobs = logging.getLogger("doko.jobs")


class _State:
    """The writer of this process, once configured."""

    writer: LogWriter | None = None
    context: Callable[[], Mapping[str, Any]] = dict
    threshold: int = _LEVELS["info"]


def configure(settings: Settings, process: str) -> LogWriter:
    """Send every log line of this process through one writer; ``process`` names its file, e.g. ``worker-whatsapp``."""
    sinks: list[Sink] = []
    # In a Dramatiq worker sys.stdout is a pipe to its master's standard error.
    if sys.__stdout__ is not None:
        sinks.append(DescriptorSink(sys.__stdout__.fileno()))
    if settings.log_dir is not None:
        sinks.append(DailyFile(settings.log_dir, process))
    return configure_sinks(sinks, settings.log_level)


def configure_sinks(sinks: list[Sink], log_level: str = "INFO") -> LogWriter:
    """Send every log line of this process to the sinks."""
    writer = LogWriter(sinks)
    writer.start()
    _State.writer = writer
    _State.threshold = _LEVELS[log_level.lower()]
    _route_structlog(_State.threshold)
    _route_standard_library(_State.threshold)
    return writer


def set_context(fields: Callable[[], Mapping[str, Any]]) -> None:
    """Add what ``fields`` returns to each line of a logger, asked when it is written: in a worker, the running job."""
    _State.context = staticmethod(fields)


def get_logger(**fields: Any) -> FilteringBoundLogger:
    """A logger whose first argument is the event's constant name; ``message`` and other fields are keywords."""
    return cast("FilteringBoundLogger", structlog.get_logger(**fields))


def write_line(line: Line) -> None:
    """Write a finished line, or a dictionary, through the writer; dropped before ``configure``."""
    if _State.writer is not None:
        _State.writer.write(line)


def timestamp() -> str:
    """Now, as log lines write it: ``2026-11-24T05:43:00.120Z``."""
    return iso_milliseconds(time.time())


def write_lines(level: str, lines: list[bytes]) -> None:
    """Write finished lines of JSON, each with its newline and nothing personal; to nobody before ``configure``."""
    if lines and _State.writer is not None and _LEVELS[level] >= _State.threshold:
        _State.writer.write(b"".join(lines))


def job_event(level: str, message: str, event: str, **fields: Any) -> None:
    """Log an event of a job: the engine's fast path, a few microseconds.

    ``message`` must be a constant text with ids only, it is not masked. The fields belong to the log afterwards.
    """
    writer = _State.writer
    if writer is None:
        _jobs.log(_LEVELS[level], "%s", message, extra={"doko_fields": {"event": event, **fields}})
    elif _LEVELS[level] >= _State.threshold:
        writer.write({"level": level, "message": message, "event": event, "timestamp": time.time(), **fields})


def flush() -> None:
    """Wait until every line so far is written; to be called before a process ends itself with ``os._exit``."""
    if _State.writer is not None:
        _State.writer.flush()


def error_fields(error: BaseException) -> dict[str, str]:
    """An exception as a log field: type, message and traceback, without personal data or values of variables."""
    trace = "".join(traceback.format_exception(error))
    return {"type": type(error).__qualname__, "message": mask_text(str(error)), "traceback": mask_text(trace)}


class _RoutedHandler(logging.Handler):
    """Turns records of the standard library into lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a message that can't be formatted is the caller's bug and is reported as such."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            self.handleError(record)
            return
        write_line(_record_line(record, message))


def _record_line(record: logging.LogRecord, message: str) -> dict[str, Any]:
    line: dict[str, Any] = {
        "level": record.levelname.lower(),
        "message": mask_text(message),
        "event": "log",
        "timestamp": record.created,
        "logger": record.name,
        **_State.context(),
        **structlog.contextvars.get_contextvars(),
    }
    if record.exc_info is not None and record.exc_info[1] is not None:
        line["error"] = error_fields(record.exc_info[1])
    return line


def _route_standard_library(threshold: int) -> None:
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _RoutedHandler):
            root.removeHandler(handler)
    root.addHandler(_RoutedHandler())
    root.setLevel(threshold)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    for name in _REPEATING:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(capture=True)


def _route_structlog(threshold: int) -> None:
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _as_line],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_names: _LineLogger(),
        cache_logger_on_first_use=False,
    )


class _LineLogger:
    """What structlog calls at the end of its processors, whatever the level's method."""

    def msg(self, line: Line) -> None:
        """Write the line."""
        write_line(line)

    debug = info = warning = error = critical = exception = log = msg


def _as_line(_logger: object, method: str, fields: MutableMapping[str, Any]) -> tuple[tuple[Line], Mapping[str, Any]]:
    event = str(fields.pop("event", "log"))
    message = mask_text(str(fields.pop("message", event)))
    error = _error_of(fields.pop("exc_info", None))
    level = _METHOD_LEVELS.get(method, method)
    known = {"level": level, "message": message, "event": event, "timestamp": time.time(), **_State.context()}
    line: dict[str, Any] = {**known, **fields}
    if error is not None:
        line["error"] = error_fields(error)
    return ((line,), {})


def _error_of(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return cast("BaseException | None", exc_info[1])
    return sys.exc_info()[1] if exc_info else None
