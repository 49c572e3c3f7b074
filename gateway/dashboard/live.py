"""Live pages: one look at Redis a second for a whole process, however many people watch.

A stream waits on the shared ``Pulse`` and writes only what changed. While nobody watches, nothing is read.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson

from shared.errors import RedisUnavailable

EVERY_S = 1.0
KEEPALIVE_S = 10.0
LONGEST_S = 3_600.0
"""After an hour a stream ends and the browser opens the next one: nothing lives for ever."""
RETRY_MS = 2_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look saw: texts by name (rows of a table, marks of jobs)."""

    texts: Mapping[str, str]


@dataclass(slots=True)
class _Seen:
    """The newest text of a name and the beat at which it became that."""

    text: str
    beat: int


@dataclass(slots=True)
class Beat:
    """What a viewer gets: the texts that changed since its last beat, and whether Redis answers."""

    number: int
    changed: dict[str, str]
    is_away: bool


@dataclass(slots=True)
class _Shared:
    number: int = 0
    is_away: bool = False
    closed: bool = False
    seen: dict[str, _Seen] = field(default_factory=dict)


class Pulse:
    """Looks once a second while somebody watches, and wakes the viewers when something changed."""

    def __init__(self, look: Callable[[frozenset[str]], Mapping[str, str]], *, every_s: float = EVERY_S) -> None:
        self._look = look
        self._every_s = every_s
        self._changed = threading.Condition()
        self._viewers = 0
        self._jobs: Counter[str] = Counter()
        self._state = _Shared()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, job_id: str | None = None) -> Iterator[None]:
        """Be counted as a viewer, of one job if ``job_id`` says so."""
        with self._changed:
            self._viewers += 1
            if job_id is not None:
                self._jobs[job_id] += 1
            if self._thread is None and not self._state.closed:
                self._thread = threading.Thread(target=self._run, name="dashboard-pulse", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._viewers -= 1
                if job_id is not None:
                    self._jobs[job_id] -= 1
                    self._jobs += Counter()

    def beat_after(self, number: int, timeout_s: float) -> Beat | None:
        """Wait for a beat later than ``number``: what changed since then; None if nothing did, or all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._state.closed or self._state.number > number, timeout_s)
            if self._state.closed or self._state.number <= number:
                return None
            changed = {name: seen.text for name, seen in self._state.seen.items() if seen.beat > number}
            return Beat(self._state.number, changed, self._state.is_away)

    @property
    def is_closed(self) -> bool:
        """Whether the process is about to end."""
        return self._state.closed

    def close(self) -> None:
        """End every stream: the process is about to end."""
        with self._changed:
            self._state.closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._viewers == 0 or self._state.closed:
                    self._thread = None
                    return
                jobs = frozenset(self._jobs)
            begun_s = time.monotonic()
            try:
                texts, is_away = self._look(jobs), False
            except RedisUnavailable:
                texts, is_away = {}, True
            except Exception:
                # A defect must not leave all pages standing still for ever: it is logged, and looking goes on.
                logger.exception("the live pages could not look")
                texts, is_away = {}, True
            self._note(texts, is_away=is_away)
            with self._changed:
                pause_s = max(self._every_s - (time.monotonic() - begun_s), self._every_s / 2)
                self._changed.wait_for(lambda: self._state.closed, pause_s)

    def _note(self, texts: Mapping[str, str], *, is_away: bool) -> None:
        with self._changed:
            state = self._state
            number = state.number + 1
            is_new = is_away != state.is_away
            for name, text in texts.items():
                known = state.seen.get(name)
                if known is None or known.text != text:
                    state.seen[name] = _Seen(text, number)
                    is_new = True
            if not is_away:
                for name in [name for name in state.seen if name not in texts]:
                    del state.seen[name]
            state.is_away = is_away
            if is_new or state.number == 0:
                state.number = number
                self._changed.notify_all()


def stream(
    pulse: Pulse, is_welcome: Callable[[], bool], *, wants: Callable[[str], bool], job_id: str | None = None
) -> Iterator[bytes]:
    """Server-sent events: ``live`` with the changed texts, ``ended`` when the session is over.

    A comment every ten seconds finds out whether the browser is still there.
    """
    yield f"retry: {RETRY_MS}\n\n".encode()
    number, ends_s = 0, time.monotonic() + LONGEST_S
    with pulse.watching(job_id):
        while time.monotonic() < ends_s:
            beat = pulse.beat_after(number, KEEPALIVE_S)
            if pulse.is_closed:
                return
            if not is_welcome():
                yield b"event: ended\ndata: {}\n\n"
                return
            if beat is None:
                yield b": still here\n\n"
                continue
            number = beat.number
            texts = {name: text for name, text in beat.changed.items() if wants(name)}
            body = orjson.dumps({"away": beat.is_away, "texts": texts})
            yield b"event: live\ndata: " + body + b"\n\n"
